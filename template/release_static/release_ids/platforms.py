"""Strategies for hosting platforms. Each takes the id from the variables that the platform sets."""

import os

from release_static.release_ids.resolve import VARIABLE, ReleaseIdError


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
        "once you enable it: heroku labs:enable runtime-dyno-build-metadata, then deploy again",
    )


def render_git_commit() -> str:
    """Render: RENDER_GIT_COMMIT, at build and run time (https://render.com/docs/environment-variables)."""
    return _one_of(
        "RENDER_GIT_COMMIT",
        hint="Render sets it at build and run time for a service that it builds from a Git repository, and in a "
        f"Dockerfile after 'ARG RENDER_GIT_COMMIT'; for an image from a registry, set {VARIABLE}",
    )


def railway_git_commit() -> str:
    """Railway: RAILWAY_GIT_COMMIT_SHA, at build and run time (https://docs.railway.com/reference/variables)."""
    return _one_of(
        "RAILWAY_GIT_COMMIT_SHA",
        hint="Railway sets it at build and run time, and in a Dockerfile after 'ARG RAILWAY_GIT_COMMIT_SHA', but only for "
        f"deployments that a push to GitHub triggered; with 'railway up', set {VARIABLE}",
    )


def fly_image_tag() -> str:
    """Fly.io: the tag of FLY_IMAGE_REF, such as registry.fly.io/my-app:deployment-01H9RK9EYO9PGNBYAKGXSHV0PH.

    It is set in every machine, including that of the release_command, but not while the image is built
    (https://fly.io/docs/machines/runtime-environment/). FLY_MACHINE_VERSION changes with the configuration.
    """
    reference = _one_of(
        "FLY_IMAGE_REF",
        hint="Fly sets it in every machine, including that of the release_command, but not while the image is built: "
        f"publish in the release_command, or build the image with an id: fly deploy --build-arg {VARIABLE}=$(git rev-parse HEAD)",
    )
    image, _, digest = reference.rpartition("/")[2].partition("@")
    tag = image.partition(":")[2]
    if not tag and not digest:
        raise ReleaseIdError(f"FLY_IMAGE_REF is {reference!r}, which has no tag. Deploy with: fly deploy")
    return tag or digest.removeprefix("sha256:")


def kamal_version() -> str:
    """Kamal: KAMAL_VERSION, the commit, in the containers of an app and in hooks, but not while the image is built.

    Sources: https://kamal-deploy.org/docs/hooks/overview/ and, for containers, lib/kamal/commands/app.rb in
    https://github.com/basecamp/kamal: `run` sets it, but containers of `kamal app exec` do not get it.
    """
    return _one_of(
        "KAMAL_VERSION",
        hint="Kamal sets it in the containers that it deploys and in its hooks, but not while the image is built or for "
        f"'kamal app exec'. Pass it there: kamal app exec -e {VARIABLE}:$KAMAL_VERSION ...",
    )


def scalingo_container_version() -> str:
    """Scalingo: SOURCE_VERSION while building, CONTAINER_VERSION at run time and in the postdeploy hook.

    Source: https://doc.scalingo.com/platform/app/environment
    """
    return _one_of(
        "SOURCE_VERSION",
        "CONTAINER_VERSION",
        hint="Scalingo sets SOURCE_VERSION during the build, and CONTAINER_VERSION in every later container, "
        "including that of the postdeploy hook, for deployments from Git",
    )


def _one_of(*names: str, hint: str) -> str:
    """The value of the variables that are set. If two are set, they must be equal."""
    found = {name: os.environ[name] for name in names if os.environ.get(name)}
    if not found:
        raise ReleaseIdError(f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set. {hint}")
    if len(set(found.values())) > 1:
        raise ReleaseIdError(
            f"{' and '.join(f'{name}={value}' for name, value in found.items())} differ, so it is not clear "
            f"which one names this release. Unset one, or set {VARIABLE}"
        )
    return next(iter(found.values()))
