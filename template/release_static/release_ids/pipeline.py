"""Strategies for projects whose pipeline provides the id. They run only if it did not, and raise an error."""

from typing import NoReturn

from release_static.release_ids.resolve import FILE, VARIABLE, ReleaseIdError


def release_id_variable() -> NoReturn:
    """The pipeline sets RELEASE_ID, both for the build and for every process."""
    raise ReleaseIdError(f"this project takes its release id from {VARIABLE} alone, and that is not set")


def revision_file() -> NoReturn:
    """The build writes a REVISION file in the project directory, as Capistrano does in every release (its task
    git:set_current_revision, https://capistranorb.com/documentation/getting-started/flow/).
    """
    raise ReleaseIdError(f"the build has to write a {FILE} file in the project directory: git rev-parse HEAD > {FILE}")
