"""Staged files -> destination: put what is missing, delete nothing, and the manifest last."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from release_static.errors import ReleaseStaticError
from release_static.manifest import Manifest, ManifestError, path


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

    def check_unchanged(self, status: os.stat_result) -> None:
        """Raises PublishError if its content was written to since it was staged, so that its hash is wrong."""
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise PublishError(
                f"{self.path} changed while it was being published, so its hash is no longer right. "
                "Run collectstatic again when nothing writes there."
            )


class Destination(Protocol):
    """Where releases are published. Names are relative and have forward slashes. All methods may raise OSError."""

    # What a person should know after publishing here, in sentences.
    warnings: list[str]

    def private_directory(self) -> AbstractContextManager[Path]:
        """An empty directory for the stage, removed in the end."""

    def scan(self, names: Iterable[str]) -> dict[str, Any]:
        """What is there under these names, in the terms of this destination."""

    def holds(self, file: StagedFile, there: Any) -> bool:
        """Whether what `scan` found is this file's content, by the cheapest proof there is."""

    def put(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        """Publish files, so that a reader sees the old content or the new one, and yield each that is there."""

    def settle(self) -> None:
        """Make everything that was put survive a crash."""

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        """Raises FileExistsError if the release has a manifest already, unless it is to be replaced."""

    def read_manifest(self, release_id: str) -> bytes | None:
        """The manifest as it stands there, None if there is none."""

    def manifest_location(self, release_id: str) -> str:
        """Where that is, for people."""

    def releases(self) -> list[str]:
        """The ids that have a manifest, the latest first."""


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

    @property
    def puts(self) -> list[StagedFile]:
        """In the order in which they go: an original never appears before the hashed files."""
        return sorted([*self.missing, *self.damaged, *self.outdated], key=lambda file: (not file.hashed, file.name))


def make_plan(
    files: Iterable[StagedFile],
    there: dict[str, Any],
    holds: Callable[[StagedFile, Any], bool],
    *,
    new_release: bool,
) -> Plan:
    plan = Plan([], [], [], [], new_release)
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


def prepare(files: list[StagedFile], manifest: Manifest, destination: Destination, *, replace: bool = False) -> Plan:
    """What `publish` would do. Writes nothing.

    Raises PublishError if the release is there with other content, unless it is to be replaced.
    """
    manifest_name = path(manifest.release["id"])
    there = destination.scan([manifest_name, *(file.name for file in files)])
    new_release = manifest_name not in there or _is_new(manifest, destination, replace=replace)
    return make_plan(files, there, destination.holds, new_release=new_release)


def publish(plan: Plan, manifest: Manifest, destination: Destination, *, replace: bool = False) -> Iterator[StagedFile]:
    """Carry out the plan, yielding every file that has been put; then the manifest.

    Stops at the first error, OSError or ReleaseStaticError, and leaves the manifest out.
    """
    for hashed in (True, False):
        yield from destination.put(file for file in plan.puts if file.hashed is hashed)
    destination.settle()
    if not plan.new_release:
        return
    release_id = manifest.release["id"]
    try:
        destination.put_manifest(release_id, manifest.dump(), replace=replace)
    except FileExistsError:
        # Another publisher was faster: with the same content all is well.
        if _is_new(manifest, destination, replace=False):
            raise PublishError(
                f"The manifest {destination.manifest_location(release_id)} was there a moment ago and is gone. Run "
                "collectstatic again when nothing else publishes or prunes."
            ) from None


def _is_new(manifest: Manifest, destination: Destination, *, replace: bool) -> bool:
    release_id = manifest.release["id"]
    content = destination.read_manifest(release_id)
    if content is None:
        return True
    location = destination.manifest_location(release_id)
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
