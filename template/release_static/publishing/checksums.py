"""The size and MD5 of each hashed file of a release, for `releases verify`.

They are stored in the manifest as one string, which web processes do not have to parse. A hashed name is not enough:
compressed copies have no hash of their own, and some storages hash files that import each other together.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, unquote

from release_static.manifest import NAME, RELEASES, Manifest, ManifestError
from release_static.publishing.destination import Destination, StagedFile


class Checksum(NamedTuple):
    """`size` in bytes, `md5` as hex digits."""

    size: int
    md5: str


def of(files: Iterable[StagedFile]) -> dict[str, Checksum]:
    """Raises PublishError if a file has changed since it was staged."""
    return {file.name: Checksum(file.size, file.source.digest()) for file in files}


def dump(checksums: dict[str, Checksum], paths: dict[str, str]) -> str:
    """`md5:size` of each hashed name in `paths`, in their order; then `md5:size:name` of the compressed copies."""
    named = dict.fromkeys(paths.values())
    items = [f"{checksums[name].md5}:{checksums[name].size}" for name in named]
    for name in sorted(checksums.keys() - named.keys()):
        items.append(f"{checksums[name].md5}:{checksums[name].size}:{quote(name)}")
    return " ".join(items)


def parse(manifest: Manifest) -> dict[str, Checksum]:
    """By name; {} for a manifest without checksums. Raises ValueError if they do not match its files."""
    if not manifest.checksums:
        return {}
    named = list(dict.fromkeys(manifest.paths.values()))
    items = [item.split(":") for item in manifest.checksums.split(" ")]
    names = named + [unquote(name) for _, _, name in items[len(named) :]]
    checksums = {}
    for name, (md5, size, *_) in zip(names, items, strict=True):
        checksums[name] = Checksum(int(size), md5)
    return checksums


def published(destination: Destination) -> Iterator[tuple[str, Checksum]]:
    """The checksums of all releases, by name; a file may have several. Damaged manifests are skipped."""
    manifests = [entry.name for entry in destination.entries(f"{RELEASES}/") if entry.name.endswith(f"/{NAME}")]
    for name, content in destination.read_many(manifests):
        with suppress(ManifestError, ValueError):
            yield from parse(Manifest.parse(content or b"", destination.location(name))).items()
