import pytest

from release_static.manifest import Manifest
from release_static.publishing import checksums
from release_static.publishing.checksums import Checksum

ONE, TWO, GZIP = Checksum(3, "a" * 32), Checksum(0, "b" * 32), Checksum(1, "c" * 32)
PATHS = {"z.css": "z.1.css", "a.css": "a.2.css", "alias.css": "z.1.css"}


def manifest(text: str) -> Manifest:
    return Manifest(PATHS, "abc", {}, checksums=text)


def test_checksums_are_read_as_they_were_written():
    written = {"z.1.css": ONE, "a.2.css": TWO, "a.2.css.gz": GZIP, "with space: 100%.2.css.gz": GZIP}

    assert checksums.parse(manifest(checksums.dump(written, PATHS))) == written


def test_a_manifest_without_checksums_has_none():
    assert checksums.parse(manifest("")) == {}


@pytest.mark.parametrize(
    "damaged",
    [
        f"{ONE.md5}:3",
        f"{ONE.md5}:3 {TWO.md5}",
        f"{ONE.md5}:3 {TWO.md5}:none",
        f"{ONE.md5}:3 {TWO.md5}:0 {GZIP.md5}:1",
        f"{ONE.md5}:3  {TWO.md5}:0",
    ],
    ids=["too few", "no size", "no number", "no name", "empty"],
)
def test_damaged_checksums_are_an_error(damaged):
    with pytest.raises(ValueError):
        checksums.parse(manifest(damaged))
