"""Check that the files of releases exist and have the size and content that they were published with; repair them."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from release_static.manifest import Manifest, ManifestError, path
from release_static.publishing import checksums
from release_static.publishing.checksums import Checksum
from release_static.publishing.destination import Destination, Entry, StagedFile
from release_static.publishing.locks import SharedLock
from release_static.publishing.names import hash_in, is_inside, sibling_of
from release_static.releases.inventory import UnknownRelease

# The allowed contents of a file: its checksums in all releases that use it. Empty if none has any.
Contents = set[Checksum]


@dataclass
class Findings:
    """`files` maps the name of each missing or damaged file to what is wrong with it."""

    expected: dict[str, Contents] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    # What is wrong with manifests.
    manifests: list[str] = field(default_factory=list)
    # The missing or damaged files, by the id of each release that uses them.
    affected: dict[str, list[str]] = field(default_factory=dict)

    @property
    def intact(self) -> bool:
        return not self.files and not self.manifests


def verify(
    release_ids: list[str],
    destination: Destination,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Findings:
    """Check each file once, even if several releases use it. Calls `progress` with the files read and the total.

    Raises UnknownRelease if one of these releases has no manifest.
    """
    findings = Findings()
    names: dict[str, list[str]] = {}
    ids = {path(release_id): release_id for release_id in release_ids}
    for manifest, content in destination.read_many(ids):
        if content is None:
            raise UnknownRelease(ids[manifest], destination, destination.releases())
        expected = _expected(content, destination.location(manifest), findings)
        # In memory once, however many releases use it.
        names[ids[manifest]] = [sys.intern(name) for name in expected]
        for name, contents in expected.items():
            findings.expected.setdefault(sys.intern(name), set()).update(contents)
    existing = destination.existing(filter(is_inside, findings.expected))
    findings.files = dict(check(findings.expected, existing, destination, progress))
    if copies := {name: findings.expected[name] for name in findings.files if sibling_of(name) in findings.expected}:
        # Another version of the compressor writes different bytes, and a later release may have published those.
        for name, checksum in checksums.published(destination):
            if name in copies:
                copies[name].add(checksum)
        for name in copies:
            del findings.files[name]
        findings.files |= dict(check(copies, existing, destination))
    for release_id in release_ids:
        if affected := [name for name in names[release_id] if name in findings.files]:
            findings.affected[release_id] = affected
    return findings


def check(
    expected: dict[str, Contents],
    entries: dict[str, Entry],
    destination: Destination,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) for each file that is not as expected. Reads only files that the listing does not prove."""
    unproven = []
    for name, contents in expected.items():
        entry = entries.get(name)
        sizes = sorted({content.size for content in contents})
        if entry is None:
            yield name, "is missing"
        elif sizes and entry.size not in sizes:
            yield name, f"has {entry.size} bytes instead of {' or '.join(map(str, sizes))}"
        elif entry.md5 is None or not _matches(entry.md5, name, contents):
            unproven.append(name)
    for done, (name, digest) in enumerate(destination.digests(unproven), 1):
        if digest is None:
            yield name, "is missing"
        elif not _matches(digest, name, expected[name]):
            yield name, "has different content" if expected[name] else "does not match the hash in its name"
        progress(done, len(unproven))


def repair(files: Iterable[StagedFile], findings: Findings, destination: Destination, lock: SharedLock) -> int:
    """Upload the staged files that match missing or damaged ones. Returns how many.

    Releases that were pruned since they were verified are not restored.
    """
    existing = lock.existing()
    damaged = {name for id, names in findings.affected.items() if path(id) in existing for name in names}
    candidates = [file for file in files if file.hashed and file.name in damaged]
    found = checksums.of(candidates)
    uploads = [file for file in candidates if _matches(found[file.name].md5, file.name, findings.expected[file.name])]
    lock.check()
    repaired = sum(1 for _ in destination.upload(uploads))
    destination.sync()
    lock.check()
    return repaired


def _matches(digest: str, name: str, contents: Contents) -> bool:
    """Whether this is the digest of an allowed content or, without checksums, the one in the name."""
    if contents:
        return any(digest == content.md5 for content in contents)
    return digest.startswith(hash_in(name))


def _expected(content: bytes, location: str, findings: Findings) -> dict[str, Contents]:
    try:
        manifest = Manifest.parse(content, location)
    except ManifestError as error:
        findings.manifests.append(str(error))
        return {}
    expected: dict[str, Contents] = {name: set() for name in manifest.paths.values()}
    try:
        known = checksums.parse(manifest)
    except ValueError:
        findings.manifests.append(f"The checksums in the manifest {location} are damaged.")
        return expected
    # Compressed copies are listed only in the checksums.
    for name, checksum in known.items():
        if name in expected or sibling_of(name) in expected:
            expected.setdefault(name, set()).add(checksum)
    return expected
