"""What `release_id_strategy` in the storage's OPTIONS can name, besides a function of your own.

Each is a function without arguments that returns the id of this release, or raises ReleaseIdError with what is missing
and how to set it. An id names a build, not a deployment: a variable that changes when only the configuration does is
of no use here.
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
