"""The commit that is checked out, as the id of the release."""

import hashlib
import logging
import os
import subprocess
from pathlib import Path

from release_static.release_ids.project import project_directory
from release_static.release_ids.resolve import VARIABLE, ReleaseIdError

logger = logging.getLogger(__name__)

# What a git hook, or a git command that runs this process, sets for its own repository.
_NOT_OURS = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
_CONFIGURATION = {
    # In a container the checkout often belongs to another user. We only read.
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "log.showSignature": "false",
}
# What a configuration could set otherwise is set here: the same difference has the same bytes. The full index names
# the content of binary files too.
_PLAIN_DIFF = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--no-indent-heuristic"),
    *("--full-index", "--unified=0", "--inter-hunk-context=0", "--diff-algorithm=myers", "-O/dev/null"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--submodule=diff", "--ignore-submodules=untracked"),
)


def git_hash() -> str:
    """The commit that is checked out, with `-dirty-<8 hex>` when tracked files differ from it.

    The suffix is a digest of the difference: the same changes give the same id, other changes another one.
    """
    directory = project_directory()
    commit = release_id = _commit(directory)
    if changes := _changes(directory):
        release_id = f"{commit}-dirty-{hashlib.sha256(changes).hexdigest()[:8]}"
        logger.warning("Tracked files differ from commit %s, so this release is %s.", commit, release_id)
    return release_id


def _commit(repository: Path) -> str:
    # Unlike rev-parse, log says what is wrong when there is no commit yet.
    return _git(repository, "log", "-1", "--format=%H").decode().strip()


def _changes(repository: Path) -> bytes:
    """How tracked files differ from the commit."""
    return _git(repository, "diff", *_PLAIN_DIFF, "HEAD")


def _git(directory: Path, *arguments: str) -> bytes:
    configuration = [part for name, value in _CONFIGURATION.items() for part in ("-c", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *configuration, "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, env=environment)
    except OSError as error:
        problem = "there is no git program" if isinstance(error, FileNotFoundError) else f"git cannot be run ({error})"
        raise ReleaseIdError(f"{problem}. Install git, or set {VARIABLE}.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ReleaseIdError(f"git says: {said or f'exit status {done.returncode}'}")
    return done.stdout
