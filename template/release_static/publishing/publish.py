"""Publish staged files: upload what is missing, delete nothing, and write the manifest last."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from release_static.errors import printable
from release_static.manifest import NAME, RELEASES, Manifest, ManifestError, beside, path
from release_static.publishing import checksums, marker
from release_static.publishing.destination import Destination, Entry, PublishError, Source, StagedFile
from release_static.publishing.locks import Lock


@dataclass(frozen=True)
class Plan:
    """What a publication changes at its destination."""

    release_id: str
    manifest: Manifest
    environment: str
    # False if the release is already published with the same content.
    new_release: bool
    # Whether to mark it as published in its environment: not if it is already the newest one there.
    mark: bool
    # Whether the manifest of Django's own storage is there.
    predecessor: bool
    missing: list[StagedFile] = field(default_factory=list)
    # Hashed files whose published content does not match the hash in their name.
    damaged: list[StagedFile] = field(default_factory=list)
    # Originals that changed, and hashed files that could not be compared.
    outdated: list[StagedFile] = field(default_factory=list)
    unchanged: list[StagedFile] = field(default_factory=list)

    @cached_property
    def uploads(self) -> list[StagedFile]:
        """In the order in which they start, several at once: hashed files first, because no page uses them yet."""
        return sorted([*self.missing, *self.damaged, *self.outdated], key=lambda file: (not file.hashed, file.name))


def prepare(
    release_id: str,
    environment: str,
    manifest: Manifest,
    files: Iterable[StagedFile],
    existing: dict[str, Entry],
    destination: Destination,
    *,
    replace_release: bool = False,
) -> Plan:
    """What `publish` would do, given what exists under the names of these files and in `.releases/`. Writes nothing.

    Raises PublishError if the release is already published with different content, unless it is to be replaced, or if a
    bundler's file is.
    """
    published = path(release_id) in existing
    new_release = not published or _is_new(release_id, manifest, destination, replace_release=replace_release)
    mark = not _is_newest(release_id, environment, existing)
    plan = Plan(release_id, manifest, environment, new_release, mark, predecessor=NAME in existing)
    for file in files:
        if file.name not in existing:
            plan.missing.append(file)
        elif matches := destination.matches(file, existing[file.name]):
            plan.unchanged.append(file)
        elif file.hashed and matches is False:
            plan.damaged.append(file)
        else:
            plan.outdated.append(file)
    _check_bundled(plan, destination)
    return plan


def publish(plan: Plan, destination: Destination, lock: Lock, *, replace_release: bool = False) -> Iterator[StagedFile]:
    """Carry out a plan that was made under this lock. Yields every file after uploading it, then writes the manifest.

    Stops at the first OSError or ReleaseStaticError, without writing the manifest.
    """
    # Before the manifest, so that every release has an environment that keeps it.
    marks = [_mark(plan)] if plan.mark or plan.new_release else []
    for file in destination.upload([*plan.uploads, *marks]):
        if file not in marks:
            yield file
    destination.sync()
    manifest = _complete_manifest(plan) if plan.new_release else None  # which may read many files
    lock.check()
    if manifest:
        _write_manifest(plan.release_id, manifest, destination, lock, replace_release=replace_release)
    destination.sync()
    lock.check()


def _mark(plan: Plan) -> StagedFile:
    name = beside(plan.release_id, marker.environment(plan.environment))
    return StagedFile(name, Source.in_memory(marker.content()), hashed=False)


def _complete_manifest(plan: Plan) -> Manifest:
    hashed = (file for file in [*plan.uploads, *plan.unchanged] if file.hashed)
    created_at = marker.timestamp(datetime.now(UTC))
    return replace(
        plan.manifest,
        release={"id": plan.release_id, "created_at": created_at, "created_by": marker.who()},
        checksums=checksums.dump(checksums.of(hashed), plan.manifest.paths),
    )


def _write_manifest(
    release_id: str, manifest: Manifest, destination: Destination, lock: Lock, *, replace_release: bool
) -> None:
    try:
        destination.write_manifest(release_id, manifest.dump(), replace=replace_release, lock=lock.name)
    except FileExistsError:
        # Another publisher was faster. This is fine if it published the same content.
        if _is_new(release_id, manifest, destination, replace_release=False):
            raise PublishError(
                f"The manifest {destination.location(path(release_id))} was deleted by another process. Run "
                "collectstatic again when nothing else publishes or prunes."
            ) from None


def _is_newest(release_id: str, environment: str, existing: dict[str, Entry]) -> bool:
    """Whether this release is the latest one published in its environment, by the destination's clock."""
    suffix = f"/{marker.environment(environment)}"
    published = {name: entry.modified for name, entry in existing.items() if name.endswith(suffix) and entry.size}
    own = published.pop(f"{RELEASES}/{release_id}{suffix}", None)
    return own is not None and all(modified < own for modified in published.values())


def _check_bundled(plan: Plan, destination: Destination) -> None:
    """A bundler's file is never replaced, because its name does not prove which content is right."""
    different = {
        file.name: file for file in plan.damaged + plan.outdated if plan.manifest.paths.get(file.name) == file.name
    }
    for name, digest in destination.digests(different):
        file = different[name]
        (plan.damaged if file in plan.damaged else plan.outdated).remove(file)
        if digest is None:
            plan.missing.append(file)
        elif digest == file.source.digest():  # S3 does not know the MD5 of every object
            plan.unchanged.append(file)
        else:
            raise PublishError(
                f"{name} is published already, with other content.\n"
                f"  published: {destination.location(name)}\n"
                f"  now:       {file.source.path}\n"
                "A bundler's file is never replaced, because pages of other releases use it and browsers cache it for a "
                "year. Have the bundler put a hash of the content into the name, such as [name]-[hash].js. If the "
                "published file was damaged, repair it with the code of a release that has it: manage.py releases verify "
                "--repair"
            )


def _is_new(release_id: str, manifest: Manifest, destination: Destination, *, replace_release: bool) -> bool:
    content = None if replace_release else destination.read(path(release_id))
    if content is None:
        return True
    location = destination.location(path(release_id))
    try:
        published = Manifest.parse(content, location)
    except ManifestError as error:
        raise PublishError(
            f"{error} Other processes may have read it before. To replace it, run: collectstatic --replace-release"
        ) from error
    if published.paths == manifest.paths:
        return False
    at = published.release.get("created_at", "an unknown time")
    by = published.release.get("created_by", "an unknown user")
    raise PublishError(
        f"Release {release_id} is published already, with other content.\n"
        f"  published: {printable(f'manifest {published.hash}, at {at}, by {by}')}\n"
        f"  now:       manifest {manifest.hash}\n"
        f"  looked at: {location}\n"
        f"Running processes rely on it, so it was not changed. Give this build its own id, such as RELEASE_ID="
        f"{release_id}-<build>, here and where it is served; if no process uses the release yet: collectstatic "
        "--replace-release"
    )
