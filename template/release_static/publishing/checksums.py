"""The size and MD5 of each hashed file of a release, for `releases verify`.

They are in the manifest, as one string that web processes need not take apart. A hashed name alone proves little: the
files that a compressor writes have no hash of their own, and some storages hash files that import each other as one.
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
    """Raises PublishError if one of the files was written to since it was staged."""
    return {file.name: Checksum(file.size, file.digest()) for file in files}


def dump(checksums: dict[str, Checksum], paths: dict[str, str]) -> str:
    """`md5:size` of each hashed name in `paths`, in their order; then `md5:size:name` of the compressed copies."""
    named = dict.fromkeys(paths.values())
    items = [f"{checksums[name].md5}:{checksums[name].size}" for name in named]
    for name in sorted(checksums.keys() - named.keys()):
        items.append(f"{checksums[name].md5}:{checksums[name].size}:{quote(name)}")
    return " ".join(items)


def parse(manifest: Manifest) -> dict[str, Checksum]:
    """By name; {} for a manifest without checksums. Raises ValueError if these are not the checksums of its files."""
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
    """Those of all releases, by name; a file may have several. Manifests that are damaged are left out."""
    manifests = [entry.name for entry in destination.entries(f"{RELEASES}/") if entry.name.endswith(f"/{NAME}")]
    for name, content in destination.read_many(manifests):
        with suppress(ManifestError, ValueError):
            yield from parse(Manifest.parse(content or b"", destination.location(name))).items()
