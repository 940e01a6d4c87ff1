"""Whether what releases name is there, with the size and the content that it was published with."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from release_static import record
from release_static.errors import ReleaseStaticError
from release_static.manifest import RECORD, RELEASES, Manifest, ManifestError, note, path
from release_static.publishing.destination import Destination, Entry, StagedFile
from release_static.record import Content
from release_static.releases.retention import hash_in, sibling_of


class VerifyError(ReleaseStaticError):
    """A release that is not there cannot be verified."""


# What a file may be, as the records of releases say; nothing where none does.
Contents = set[Content]


@dataclass
class Findings:
    """`files` maps a name that is not as it should be to what is wrong; `manifests` are lines of the same kind."""

    expected: dict[str, Contents] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    manifests: list[str] = field(default_factory=list)
    # By the id of a release, those of its files that are not as they should be.
    affected: dict[str, list[str]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return not self.files and not self.manifests


def verify(
    release_ids: list[str],
    destination: Destination,
    progress: Callable[[int, int], object] = lambda done, all: None,
) -> Findings:
    """Files that several releases share are looked at once. `progress` is told of those that have to be read.

    Raises VerifyError if one of these releases has no manifest.
    """
    findings = Findings()
    names: dict[str, list[str]] = {}
    for release_id in release_ids:
        expected = _expected(release_id, destination, findings)
        # Once in memory, however many releases name it.
        names[release_id] = [sys.intern(name) for name in expected]
        for name, contents in expected.items():
            findings.expected.setdefault(sys.intern(name), set()).update(contents)
    entries = {entry.name: entry for entry in destination.entries() if entry.name in findings.expected}
    findings.files = dict(check(findings.expected, entries, destination, progress))
    if siblings := {name: findings.expected[name] for name in findings.files if sibling_of(name) in findings.expected}:
        # Another version of the compressor writes other bytes, and a later release may have published those.
        for name, content in _recorded(destination):
            if name in siblings:
                siblings[name].add(content)
        for name in siblings:
            del findings.files[name]
        findings.files |= dict(check(siblings, entries, destination))
    for release_id, named in names.items():
        if affected := [name for name in named if name in findings.files]:
            findings.affected[release_id] = affected
    return findings


def check(
    expected: dict[str, Contents],
    entries: dict[str, Entry],
    destination: Destination,
    progress: Callable[[int, int], object] = lambda done, all: None,
) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of each file that is not as expected. Reads only what the listing does not prove."""
    unproven = []
    for name, contents in expected.items():
        entry = entries.get(name)
        sizes = sorted({content.size for content in contents})
        if entry is None:
            yield name, "is not there"
        elif sizes and entry.size not in sizes:
            yield name, f"has {entry.size} bytes instead of {' or '.join(map(str, sizes))}"
        elif entry.md5 is None or not _is(entry.md5, name, contents):
            unproven.append(name)
    for done, (name, digest) in enumerate(destination.digests(unproven), 1):
        if digest is None:
            yield name, "is not there"
        elif not _is(digest, name, expected[name]):
            known = "" if expected[name] else " than its name says, and there is no record of it"
            yield name, f"has other content{known}"
        progress(done, len(unproven))


def repairable(files: Iterable[StagedFile], findings: Findings) -> list[StagedFile]:
    """Those of the staged files that have the content which is missing or damaged."""
    candidates = [file for file in files if file.hashed and file.name in findings.files]
    found = record.of(candidates)
    return [file for file in candidates if _is(found[file.name].md5, file.name, findings.expected[file.name])]


def _is(digest: str, name: str, contents: Contents) -> bool:
    """Whether this is the digest of one of the contents; where no record says them, what the name says counts."""
    if contents:
        return any(digest == content.md5 for content in contents)
    return digest.startswith(hash_in(name))


def _expected(release_id: str, destination: Destination, findings: Findings) -> dict[str, Contents]:
    location = destination.location(path(release_id))
    stored = dict(destination.read([path(release_id), note(release_id, RECORD)]))
    content, recorded = stored[path(release_id)], stored[note(release_id, RECORD)]
    if content is None:
        raise VerifyError(
            f"There is no release {release_id}: {location} is not there. To see which there are: manage.py releases"
        )
    try:
        manifest = Manifest.parse(content, location)
    except ManifestError as error:
        findings.manifests.append(str(error))
        return {}
    expected: dict[str, Contents] = {name: set() for name in manifest.paths.values()}
    try:
        contents = record.parse(recorded) if recorded is not None else {}
    except ValueError as error:
        findings.manifests.append(f"{destination.location(note(release_id, RECORD))} is damaged: {error}.")
        return expected
    # Only the record knows of compressed siblings.
    for name, known in contents.items():
        if name in expected or sibling_of(name) in expected:
            expected.setdefault(name, set()).add(known)
    return expected


def _recorded(destination: Destination) -> Iterator[tuple[str, Content]]:
    """What the records of all releases say."""
    names = [entry.name for entry in destination.entries(f"{RELEASES}/") if entry.name.endswith(f"/{RECORD}")]
    for _, content in destination.read(names):
        with suppress(ValueError):
            yield from record.parse(content or b"").items()
