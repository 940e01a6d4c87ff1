"""The commit that is checked out, and how the tracked files differ from it."""

import os
import subprocess
from pathlib import Path

from release_static.release_id import ReleaseIdError

# What a hook, or a git command that runs this process, sets for its own repository, and how it wants to see it.
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
# What a configuration could set otherwise is set here: the same difference has the same bytes. The full index names
# the content of binary files too.
_PLAIN_DIFF = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--no-indent-heuristic"),
    *("--full-index", "--unified=0", "--inter-hunk-context=0", "--diff-algorithm=myers", "-O/dev/null"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--submodule=diff", "--ignore-submodules=untracked"),
)


def commit(directory: Path) -> str:
    """The hash of the commit that `directory` is checked out from. Raises ReleaseIdError if there is none."""
    try:
        return _git(directory, "-c", "log.showSignature=false", "log", "-1", "--format=%H").decode().strip()
    except (FileNotFoundError, PermissionError):
        return _commit_without_program(directory)


def difference(directory: Path) -> bytes:
    """How tracked files differ from the commit. Nothing where there is no git program to tell."""
    try:
        return _git(directory, "diff", *_PLAIN_DIFF, "HEAD")
    except (FileNotFoundError, PermissionError):
        return b""


def _git(directory: Path, *arguments: str) -> bytes:
    command = [
        "git",
        # In a container the checkout often belongs to another user. We only read.
        *("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true"),
        *("-C", str(directory)),
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    done = subprocess.run(command, check=False, capture_output=True, env=environment)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ReleaseIdError(f"git says: {said or f'exit status {done.returncode}'}")
    return done.stdout


def _commit_without_program(directory: Path) -> str:
    """The commit that HEAD names, read as gitrepository-layout(5) describes it."""
    try:
        top = next((folder for folder in (directory, *directory.parents) if (folder / ".git").exists()), None)
        if top is None:
            raise ReleaseIdError(f"there is no git program, and no .git in {directory} or above")
        folder = top / ".git"
        if folder.is_file():  # a worktree or a submodule
            folder = top / _text(folder).removeprefix("gitdir:").strip()
        head = _text(folder / "HEAD")
        if not head.startswith("ref:"):
            return head
        reference = head.removeprefix("ref:").strip()
        shared = folder / "commondir"
        common = folder / _text(shared) if shared.exists() else folder
        if (common / reference).is_file():
            return _text(common / reference)
        packed = common / "packed-refs"
        for line in _text(packed).splitlines() if packed.exists() else ():
            value, _, name = line.partition(" ")
            if name == reference:
                return value
    except OSError as error:
        raise ReleaseIdError(
            f"there is no git program, and {error.filename} cannot be read: {error.strerror}"
        ) from error
    raise ReleaseIdError(
        f"there is no git program, and {folder} does not say in its files which commit {reference} is: it has none yet, "
        "or keeps them in another format, which takes git to read"
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()
