"""One function for each way to learn the id of this release. Each takes nothing and returns the id, or raises
ReleaseIdError with what is missing and how to switch it on.

An id names a build, not a deployment: variables that change when only the configuration does are of no use here.
"""

import hashlib
import logging
import os
import subprocess
from pathlib import Path

from django.conf import settings

from release_static.release_id import FILE, VARIABLE, ReleaseIdError

logger = logging.getLogger(__name__)


def git_hash() -> str:
    """The commit that is checked out, with `-dirty-<8 hex>` when tracked files differ from it.

    The suffix is a digest of the difference: the same change gives the same id, another change another one. Without a
    git program the commit is read from `.git` itself, and differences cannot be seen.
    """
    try:
        commit = _git("-c", "log.showSignature=false", "log", "-1", "--format=%H").decode().strip()
        change = _git("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "HEAD")
    except FileNotFoundError:
        return _commit_in_git_directory(Path(settings.BASE_DIR))
    if not change:
        return commit
    release_id = f"{commit}-dirty-{hashlib.sha256(change).hexdigest()[:8]}"
    logger.warning("Tracked files differ from commit %s, so this release is %s.", commit, release_id)
    return release_id


def release_id_variable() -> str:
    """RELEASE_ID and nothing else: for teams whose pipeline sets it for the build and for every process."""
    raise ReleaseIdError(f"{VARIABLE} is not set; this project takes its release id from that variable alone")


def revision_file() -> str:
    """A REVISION file beside manage.py, as Capistrano writes it (https://capistranorb.com/documentation/)."""
    raise ReleaseIdError(f"the build writes no {FILE} file beside manage.py; for example: git rev-parse HEAD > {FILE}")


def heroku_build_commit() -> str:
    """Heroku: SOURCE_VERSION while building, HEROKU_BUILD_COMMIT in the release phase and at run time.

    Sources: https://devcenter.heroku.com/articles/buildpack-api and
    https://devcenter.heroku.com/articles/dyno-metadata (not HEROKU_SLUG_COMMIT, which is deprecated).
    """
    return _one_of(
        "SOURCE_VERSION",
        "HEROKU_BUILD_COMMIT",
        hint="Heroku sets SOURCE_VERSION during the build, and HEROKU_BUILD_COMMIT in the release phase and at run time "
        "once the app has it switched on: heroku labs:enable runtime-dyno-build-metadata, then deploy again",
    )


def render_git_commit() -> str:
    """Render: RENDER_GIT_COMMIT, at build and run time (https://render.com/docs/environment-variables)."""
    return _one_of(
        "RENDER_GIT_COMMIT",
        hint="Render sets it at build and run time for services that are built from a Git repository; for an image "
        f"from a registry set {VARIABLE} yourself",
    )


def railway_git_commit() -> str:
    """Railway: RAILWAY_GIT_COMMIT_SHA, at build and run time (https://docs.railway.com/reference/variables)."""
    return _one_of(
        "RAILWAY_GIT_COMMIT_SHA",
        hint="Railway sets it at build and run time, but only for deployments that a push to GitHub triggered; with "
        f"'railway up' set {VARIABLE} yourself",
    )


def fly_image_tag() -> str:
    """Fly.io: what follows the last colon of FLY_IMAGE_REF (https://fly.io/docs/machines/runtime-environment/).

    The variable is there at run time and in the release command, not while the image is built.
    """
    reference = _one_of(
        "FLY_IMAGE_REF",
        hint="Fly sets it in every machine and in the release_command, not during the image build: publish in the "
        "release_command",
    )
    _, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        raise ReleaseIdError(f"FLY_IMAGE_REF is {reference!r}, which has no tag; deploy with 'fly deploy'")
    return tag


def kamal_version() -> str:
    """Kamal: KAMAL_VERSION, in every container that Kamal starts (https://kamal-deploy.org/docs/hooks/overview/)."""
    return _one_of(
        "KAMAL_VERSION",
        hint="Kamal sets it in the containers that it starts and in its hooks, not during the image build: publish "
        "with 'kamal app exec' or a pre-deploy hook",
    )


def scalingo_container_version() -> str:
    """Scalingo: SOURCE_VERSION while building, CONTAINER_VERSION at run time and in the postdeploy hook.

    Source: https://doc.scalingo.com/platform/app/environment
    """
    return _one_of(
        "SOURCE_VERSION",
        "CONTAINER_VERSION",
        hint="Scalingo sets SOURCE_VERSION during the build, and CONTAINER_VERSION at run time and in the postdeploy hook",
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


def _git(*arguments: str) -> bytes:
    """What git prints about the checkout that holds this project. Raises ReleaseIdError with git's own words."""
    command = [
        "git",
        # In a container the checkout often belongs to another user; we only read, and start none of its programs.
        *("-c", "safe.directory=*", "-c", "core.fsmonitor=false"),
        *("-C", str(settings.BASE_DIR)),
        *arguments,
    ]
    # A hook's GIT_DIR would lead to the repository that was pushed to.
    local = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"}
    environment = {name: value for name, value in os.environ.items() if name not in local}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    done = subprocess.run(command, check=False, capture_output=True, env=environment)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ReleaseIdError(f"git says: {said[0] if said else f'exit status {done.returncode}'}")
    return done.stdout


def _commit_in_git_directory(start: Path) -> str:
    """The commit that HEAD names, read as gitrepository-layout(5) describes it, for images without a git program."""
    top = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)
    if top is None:
        raise ReleaseIdError(f"there is no git program and no .git folder in {start} or above")
    folder = top / ".git"
    try:
        if folder.is_file():  # a worktree or a submodule: "gitdir: <path>"
            folder = top / folder.read_text().removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        reference = head.removeprefix("ref:").strip()
        shared = folder / "commondir"
        common = folder / shared.read_text().strip() if shared.exists() else folder
        for place in (folder, common):
            if (place / reference).is_file():
                return (place / reference).read_text().strip()
        packed = common / "packed-refs"
        for line in packed.read_text().splitlines() if packed.exists() else ():
            commit, _, name = line.partition(" ")
            if name == reference:
                return commit
    except OSError as error:
        raise ReleaseIdError(
            f"there is no git program, and {error.filename} cannot be read: {error.strerror}"
        ) from error
    raise ReleaseIdError(f"there is no git program, and {folder} has no commit on {reference}")
