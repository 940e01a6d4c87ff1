"""The built-in values of `release_id_strategy` in the storage's OPTIONS, which also accepts a function of your own.

A strategy is a function without arguments that returns the id of this release, or raises ReleaseIdError with what is
missing and how to set it. An id identifies a build, not a deployment: do not use a variable that also changes when only
the configuration does.
"""

from release_static.release_ids.git import git_hash
from release_static.release_ids.pipeline import release_id_variable, revision_file
from release_static.release_ids.platforms import (
    fly_image_tag,
    heroku_build_commit,
    kamal_version,
    railway_git_commit,
    render_git_commit,
    scalingo_container_version,
)

__all__ = [
    "fly_image_tag",
    "git_hash",
    "heroku_build_commit",
    "kamal_version",
    "railway_git_commit",
    "release_id_variable",
    "render_git_commit",
    "revision_file",
    "scalingo_container_version",
]
