"""One function for each way to learn the id of this release. Each takes nothing and returns the id, or raises
ReleaseIdError with what is missing and how to switch it on.

An id names a build, not a deployment: variables that change when only the configuration does are of no use here.
"""

import hashlib
import logging
import os
from pathlib import Path

from django.conf import settings

from release_static import git
from release_static.release_id import FILE, VARIABLE, ReleaseIdError

logger = logging.getLogger(__name__)


def git_hash() -> str:
    """The commit that is checked out, with `-dirty-<8 hex>` when tracked files differ from it.

    The suffix is a digest of the difference: the same change gives the same id, another change another one. Without a
    git program the commit is read from `.git` itself, and differences cannot be seen.
    """
    directory = Path(settings.BASE_DIR)
    commit = git.commit(directory)
    change = git.difference(directory)
    if not change:
        return commit
    release_id = f"{commit}-dirty-{hashlib.sha256(change).hexdigest()[:8]}"
    logger.warning("Tracked files differ from commit %s, so this release is %s.", commit, release_id)
    return release_id


def release_id_variable() -> str:
    """RELEASE_ID and nothing else: for teams whose pipeline sets it for the build and for every process."""
    raise ReleaseIdError(f"this project takes its release id from {VARIABLE} alone, and it is not set")


def revision_file() -> str:
    """A REVISION file beside manage.py, as Capistrano writes it in every release (its task git:set_current_revision,
    https://capistranorb.com/documentation/getting-started/flow/).
    """
    raise ReleaseIdError(f"the build has to write the file {FILE} beside manage.py: git rev-parse HEAD > {FILE}")


def heroku_build_commit() -> str:
    """Heroku: SOURCE_VERSION while building, HEROKU_BUILD_COMMIT in the release phase and at run time.

    Sources: https://devcenter.heroku.com/articles/buildpack-api#bin-compile and
    https://devcenter.heroku.com/articles/dyno-metadata, which deprecates HEROKU_SLUG_COMMIT. HEROKU_RELEASE_VERSION
    changes with every config var.
    """
    return _one_of(
        "SOURCE_VERSION",
        "HEROKU_BUILD_COMMIT",
        hint="Heroku sets SOURCE_VERSION during the build, and HEROKU_BUILD_COMMIT in the release phase and at run time "
        "once it is switched on: heroku labs:enable runtime-dyno-build-metadata, then deploy again",
    )


def render_git_commit() -> str:
    """Render: RENDER_GIT_COMMIT, at build and run time (https://render.com/docs/environment-variables)."""
    return _one_of(
        "RENDER_GIT_COMMIT",
        hint="Render sets it at build and run time for a service that it builds from a Git repository, and in a "
        f"Dockerfile after 'ARG RENDER_GIT_COMMIT'; for an image from a registry set {VARIABLE} yourself",
    )


def railway_git_commit() -> str:
    """Railway: RAILWAY_GIT_COMMIT_SHA, at build and run time (https://docs.railway.com/reference/variables)."""
    return _one_of(
        "RAILWAY_GIT_COMMIT_SHA",
        hint="Railway sets it at build and run time, and in a Dockerfile after 'ARG RAILWAY_GIT_COMMIT_SHA', but only for "
        f"deployments that a push to GitHub triggered; with 'railway up' set {VARIABLE} yourself",
    )


def fly_image_tag() -> str:
    """Fly.io: the tag of FLY_IMAGE_REF, such as registry.fly.io/my-app:deployment-01H9RK9EYO9PGNBYAKGXSHV0PH.

    It is there in every machine, that of the release_command too, not while the image is built
    (https://fly.io/docs/machines/runtime-environment/). FLY_MACHINE_VERSION changes with the configuration.
    """
    reference = _one_of(
        "FLY_IMAGE_REF",
        hint="Fly sets it in every machine, so also for the release_command, but not while the image is built: publish in "
        f"the release_command, or bake the id into the image: fly deploy --build-arg {VARIABLE}=$(git rev-parse HEAD)",
    )
    image, _, digest = reference.rpartition("/")[2].partition("@")
    tag = image.partition(":")[2]
    if not tag and not digest:
        raise ReleaseIdError(f"FLY_IMAGE_REF is {reference!r}, which has no tag. Deploy with: fly deploy")
    return tag or digest.removeprefix("sha256:")


def kamal_version() -> str:
    """Kamal: KAMAL_VERSION, the commit, in the containers of an app and in the hooks, not while the image is built.

    Sources: https://kamal-deploy.org/docs/hooks/overview/ and, for containers, lib/kamal/commands/app.rb in
    https://github.com/basecamp/kamal: `run` sets it, the containers of `kamal app exec` go without.
    """
    return _one_of(
        "KAMAL_VERSION",
        hint="Kamal sets it in the containers that it deploys and in its hooks, neither while the image is built nor for "
        f"'kamal app exec': there, pass it on: kamal app exec -e {VARIABLE}:$KAMAL_VERSION ...",
    )


def scalingo_container_version() -> str:
    """Scalingo: SOURCE_VERSION while building, CONTAINER_VERSION at run time and in the postdeploy hook.

    Source: https://doc.scalingo.com/platform/app/environment
    """
    return _one_of(
        "SOURCE_VERSION",
        "CONTAINER_VERSION",
        hint="Scalingo sets SOURCE_VERSION during the build, and CONTAINER_VERSION in every container after it, that of "
        "the postdeploy hook too, for deployments from Git",
    )


def _one_of(*names: str, hint: str) -> str:
    """The value of the variables that are set; two that differ are an error, since either could be the wrong one."""
    found = {name: os.environ[name] for name in names if os.environ.get(name)}
    if not found:
        raise ReleaseIdError(f"{' and '.join(names)} not set. {hint}")
    if len(set(found.values())) > 1:
        raise ReleaseIdError(
            f"{' and '.join(f'{name}={value}' for name, value in found.items())} differ, so which of the two names "
            f"this release cannot be told. Unset one, or set {VARIABLE}"
        )
    return next(iter(found.values()))
