"""Staged files -> destination: put what is missing, delete nothing, and the manifest last."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from release_static import record
from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, RECORD, REPUBLISHED, Manifest, ManifestError, note, path, stamp

if TYPE_CHECKING:
    from release_static.flags import Flag


class PublishError(ReleaseStaticError):
    """Nothing was published: the manifest of the release is not there, so no process sees it."""


class StagedFile(NamedTuple):
    """A file to publish under `name`. Its content is at `path`, with `size` in bytes and `mtime_ns` in nanoseconds."""

    name: str
    path: str
    size: int
    mtime_ns: int
    # Named after its content: once published, it never changes.
    hashed: bool
    # Hex digest of the content, where it was read already.
    md5: str | None = None

    def digest(self) -> str:
        """Hex MD5 of the content. Raises PublishError if that was written to since it was staged."""
        if self.md5 is None:
            with open(self.path, "rb") as stream:
                digest = hashlib.file_digest(stream, record.md5).hexdigest()
                self.check_unchanged(os.fstat(stream.fileno()))
            return digest
        self.check_unchanged(os.stat(self.path))
        return self.md5

    def check_unchanged(self, status: os.stat_result) -> None:
        """Raises PublishError if its content was written to since it was staged, so that its hash is wrong."""
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise PublishError(
                f"{self.path} changed while it was being published, so its hash is no longer right. "
                "Run collectstatic again when nothing writes there."
            )


class Entry(NamedTuple):
    """What stands at a destination under `name`, `size` in bytes.

    `modified` is when it came to stand there, in seconds since the epoch by the destination's own clock. `md5` is the
    hex digest of the content where the destination claims to know it without reading; a claim that does not match
    proves nothing.
    """

    name: str
    size: int
    modified: float
    md5: str | None = None


class Survey(NamedTuple):
    """What a destination has: under the names that were asked for, in its own terms, and all of `.releases/`."""

    there: dict[str, Any]
    releases: list[Entry]


class Destination(Protocol):
    """Where releases are published. Names are relative and have forward slashes. All methods may raise OSError."""

    @property
    def warnings(self) -> list[str]:
        """What a person should know after publishing here, in sentences."""

    def private_directory(self) -> AbstractContextManager[Path]:
        """An empty directory for what is to be put, removed in the end."""

    def survey(self, names: Iterable[str]) -> Survey:
        """What is there under these names, and in `.releases/`, in as few requests as it takes."""

    def holds(self, file: StagedFile, there: Any) -> bool:
        """Whether what a survey found is this file's content, by the cheapest proof there is."""

    def put(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        """Publish files, so that a reader sees the old content or the new one, and yield each that is there."""

    def settle(self) -> None:
        """Make everything that was put survive a crash."""

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        """Raises FileExistsError if the release has a manifest already, unless it is to be replaced."""

    def read_manifest(self, release_id: str) -> bytes | None:
        """The manifest as it stands there, None if there is none."""

    def releases(self) -> list[str]:
        """The ids that have a manifest, the latest first."""

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """All that has a name with this prefix, in no order; what is put or deleted meanwhile may be among them or not.

        `.releases/` is part of it, temporary files are not.
        """

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each of these small files with its content, None if it is not there, in no order.

        Several at once where that is faster, but never so many that they fill the memory.
        """

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """Each of these files with the hex MD5 of its content, which is read; None if it is not there; in no order."""

    def write(self, name: str, content: bytes) -> None:
        """Put a small private file into `.releases/`, complete or not at all, over the one that may be there.

        When this returns, `entries` shows it to every process.
        """

    def discard(self, name: str) -> None:
        """Delete a file that `write` put, or empty it where a publisher need not be allowed to delete."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, in no order. One that is not there is none to delete. Raises OSError if any could not be."""

    def location(self, name: str) -> str:
        """Where the file with this name is, for people."""


@dataclass(frozen=True)
class Plan:
    """What a publication changes at its destination."""

    missing: list[StagedFile]
    # Hashed files whose content there is not what their name says.
    damaged: list[StagedFile]
    # Originals that are replaced.
    outdated: list[StagedFile]
    unchanged: list[StagedFile]
    # False where the release stands there already, with the same content.
    new_release: bool
    # Whether no other release was published after it.
    latest: bool

    @cached_property
    def puts(self) -> list[StagedFile]:
        """In the order in which they set out, several at once: hashed files first, for nobody uses them yet."""
        return sorted([*self.missing, *self.damaged, *self.outdated], key=lambda file: (not file.hashed, file.name))


def make_plan(
    files: Iterable[StagedFile],
    there: dict[str, Any],
    holds: Callable[[StagedFile, Any], bool],
    *,
    new_release: bool,
    latest: bool,
) -> Plan:
    plan = Plan([], [], [], [], new_release, latest)
    for file in files:
        if file.name not in there:
            plan.missing.append(file)
        elif holds(file, there[file.name]):
            plan.unchanged.append(file)
        elif file.hashed:
            plan.damaged.append(file)
        else:
            plan.outdated.append(file)
    return plan


def prepare(
    files: list[StagedFile], manifest: Manifest, destination: Destination, survey: Survey, *, replace: bool = False
) -> Plan:
    """What `publish` would do, by a survey of all these names. Writes nothing.

    Raises PublishError if the release is there with other content, unless it is to be replaced.
    """
    release_id = manifest.release["id"]
    published = any(entry.name == path(release_id) for entry in survey.releases)
    new_release = not published or _is_new(manifest, destination, replace=replace)
    latest = _is_latest(release_id, survey.releases)
    return make_plan(files, survey.there, destination.holds, new_release=new_release, latest=latest)


def publish(
    plan: Plan, manifest: Manifest, destination: Destination, flag: "Flag", *, replace: bool = False
) -> Iterator[StagedFile]:
    """Carry out the plan, yielding every file that has been put; then the manifest.

    `flag` is one of "publishing" that was raised before the plan was made. Stops at the first error, OSError or
    ReleaseStaticError, and leaves the manifest out.
    """
    release_id = manifest.release["id"]
    with destination.private_directory() if plan.new_release else nullcontext() as directory:
        recorded = [_record(plan, release_id, directory)] if directory else []
        for file in destination.put([*plan.puts, *recorded]):
            flag.keep()
            if file not in recorded:
                yield file
    destination.settle()
    if not plan.new_release:
        if not plan.latest:
            # An old one that is deployed again: its age counts from here.
            destination.write(note(release_id, REPUBLISHED), stamp())
            destination.settle()
    else:
        flag.keep()
        try:
            destination.put_manifest(release_id, manifest.dump(), replace=replace)
        except FileExistsError:
            # Another publisher was faster: with the same content all is well.
            if _is_new(manifest, destination, replace=False):
                raise PublishError(
                    f"The manifest {destination.location(path(release_id))} was there a moment ago and is gone. Run "
                    "collectstatic again when nothing else publishes or prunes."
                ) from None
    flag.confirm()


def _record(plan: Plan, release_id: str, directory: Path) -> StagedFile:
    content = record.dump(record.of(file for file in [*plan.puts, *plan.unchanged] if file.hashed))
    written = directory / RECORD
    written.write_bytes(content)
    status = written.stat()
    return StagedFile(note(release_id, RECORD), str(written), status.st_size, status.st_mtime_ns, hashed=False)


def _is_latest(release_id: str, releases: list[Entry]) -> bool:
    """Whether no other release was published since this one, in the words of the destination's own clock."""
    published = [entry for entry in releases if entry.name.endswith((f"/{NAME}", f"/{REPUBLISHED}"))]
    latest = max(published, key=lambda entry: entry.modified, default=None)
    return latest is None or latest.name in {path(release_id), note(release_id, REPUBLISHED)}


def _is_new(manifest: Manifest, destination: Destination, *, replace: bool) -> bool:
    release_id = manifest.release["id"]
    content = destination.read_manifest(release_id)
    if content is None:
        return True
    location = destination.location(path(release_id))
    try:
        published = Manifest.parse(content, location)
    except ManifestError as error:
        if replace:
            return True
        raise PublishError(
            f"{error} Other processes may have read it before; to write it anew: collectstatic --replace-release"
        ) from error
    if published.paths == manifest.paths:
        return False
    if replace:
        return True
    raise PublishError(
        f"Release {release_id} is published already, with other content.\n"
        f"  published: manifest {published.hash}, at {published.release.get('created_at', 'an unknown time')}, "
        f"by {published.release.get('created_by', 'an unknown user')}\n"
        f"  now:       manifest {manifest.hash}\n"
        f"  looked at: {location}\n"
        "Running processes rely on it, so it stays as it is. Commit your change, or set RELEASE_ID to another id; "
        "if no process uses the release yet: collectstatic --replace-release"
    )
