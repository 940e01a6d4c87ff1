"""The commit that is checked out, as the id of the release."""

import hashlib
import logging
import os
import subprocess
from pathlib import Path

from django.apps import apps
from django.conf import settings

from release_static.release_ids.project import project_directory
from release_static.release_ids.resolve import VARIABLE, ReleaseIdError

logger = logging.getLogger(__name__)

# Set by a git hook, or by a git command that runs this process, for its own repository.
_NOT_OURS = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
_CONFIGURATION = {
    # In a container the checkout is often owned by another user. We only read.
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "diff.autoRefreshIndex": "true",
    "log.showSignature": "false",
    # Without git-lfs, _is_committed() recognizes the files of Git LFS.
    "filter.lfs.required": "false",
}
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
_DELETED, _SUBMODULE = b"000000", b"160000"


def git_hash() -> str:
    """The commit that is checked out, with `-dirty-<8 hex>` when tracked files differ from it.

    The suffix is a digest of those files, so the same changes give the same id. Untracked files are ignored, with a
    warning about those that collectstatic would publish.
    """
    directory = project_directory()
    commit = release_id = _commit(directory)
    repository = Path(os.fsdecode(_git(directory, "rev-parse", "--show-toplevel")).rstrip("\n"))
    if changes := _changes(repository):
        release_id = f"{commit}-dirty-{hashlib.sha256(changes).hexdigest()[:8]}"
        logger.warning("Tracked files differ from commit %s, so this release is %s.", commit, release_id)
    if untracked := _untracked_static_files(repository):
        names = ", ".join(untracked[:3]) + (f" and {len(untracked) - 3} more" if len(untracked) > 3 else "")
        logger.warning(
            "collectstatic publishes untracked files that commit %s does not contain: %s. Commit them, or add them to "
            ".gitignore if they are build output.",
            commit,
            names,
        )
    return release_id


def _commit(repository: Path) -> str:
    # Unlike rev-parse, log prints a clear error when there is no commit yet.
    return _git(repository, "log", "-1", "--format=%H").decode().strip()


def _changes(repository: Path) -> bytes:
    """The tracked files that differ from the commit: name, mode and content of each. Empty if there are none."""
    options = ("--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=untracked", "-O/dev/null")
    listing = _git(repository, "diff", *options, "HEAD").split(b"\0")
    changes = []
    for description, name in zip(listing[::2], listing[1::2], strict=False):
        old_mode, mode, old, new, _ = description.removeprefix(b":").split()
        path = repository / os.fsdecode(name)
        if mode == _DELETED:
            content = b""
        elif mode == _SUBMODULE:
            content = _commit(path).encode() + _changes(path) if (path / ".git").exists() else new
            if content == old:
                continue
        else:
            content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
            if mode == old_mode and _is_committed(content, old):
                continue
        changes += [name, mode, hashlib.sha256(content).digest()]
    return b"\0".join(changes)


def _is_committed(content: bytes, blob: bytes) -> bool:
    """Whether a file of the working tree is the committed one, though git lists it as changed.

    This happens to a file that was committed before an attribute such as `text` would have converted it, and to a file
    in Git LFS if git-lfs is not installed: the commit has a pointer with the SHA-256 of the file.
    """
    pointer = _LFS_POINTER % (hashlib.sha256(content).hexdigest().encode(), len(content))
    algorithm = "sha1" if len(blob) == 40 else "sha256"
    return blob.decode() in [
        hashlib.new(algorithm, b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()
        for data in (content, pointer)
    ]


def _untracked_static_files(repository: Path) -> list[str]:
    """Files in the repository that collectstatic would publish and that git neither tracks nor ignores."""
    # The same as Django's finders, which a web process does not need to load.
    entries = [entry[1] if isinstance(entry, list | tuple) else entry for entry in settings.STATICFILES_DIRS]
    if apps.ready:
        entries += [os.path.join(app.path, "static") for app in apps.get_app_configs()]
    folders = {os.path.realpath(entry) for entry in entries}
    ours = [folder for folder in folders if Path(folder).is_relative_to(repository)]
    if not ours:
        return []
    # collectstatic leaves these out by default.
    ignored = ("--exclude=CVS", "--exclude=.*", "--exclude=*~")
    listing = _git(repository, "ls-files", "--others", "--exclude-standard", *ignored, "-z", "--", *ours)
    return sorted(os.fsdecode(name) for name in listing.split(b"\0") if name)


def _git(directory: Path, *arguments: str) -> bytes:
    configuration = [part for name, value in _CONFIGURATION.items() for part in ("-c", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *configuration, "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, env=environment)
    except OSError as error:
        problem = "git is not installed" if isinstance(error, FileNotFoundError) else f"git cannot be run ({error})"
        raise ReleaseIdError(f"{problem}. Install git, or set {VARIABLE}.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ReleaseIdError(f"git says: {said or f'exit status {done.returncode}'}")
    return done.stdout
