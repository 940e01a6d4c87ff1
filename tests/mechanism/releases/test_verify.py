"""manage.py releases verify, on disk."""

import gzip
import hashlib
import io
import json
import re
import shutil

import pytest
from django.core.management import CommandError, call_command

from release_static.errors import printable
from release_static.manifest import Manifest
from release_static.publishing import checksums, locks
from release_static.publishing.directory import Directory
from tests.mechanism.releases.command import WHITENOISE

ENHANCED = "django_manifeststaticfiles_enhanced.storage.EnhancedManifestStaticFilesStorage"


def verify(*arguments):
    out = io.StringIO()
    call_command("releases", "verify", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def damage_found(*arguments):
    """The lines of the error about files."""
    with pytest.raises(CommandError) as error:
        verify(*arguments)
    assert error.value.returncode == 1
    return [line.strip() for line in str(error.value).splitlines() if line.startswith("  ")]


def checksums_of(site, release_id):
    manifest = site.root / ".releases" / release_id / "staticfiles.json"
    return checksums.parse(Manifest.parse(manifest.read_bytes(), str(manifest)))


def change_manifest(site, release_id, **changes):
    manifest = site.root / ".releases" / release_id / "staticfiles.json"
    manifest.write_text(json.dumps(site.manifest(release_id) | changes))


@pytest.fixture
def two(site):
    site.write("logo.svg", "<svg/>")
    for release_id in ("one", "two"):
        site.write("style.css", f"{release_id} {{ color: red }}\n" * 100)
        site.publish(release_id, stage=WHITENOISE)
    return site


def test_an_intact_release(two):
    # Three files, and two compressed copies of the style sheet.
    assert verify() == "Release two is intact: 5 hashed files, as published.\n"
    assert verify("one").startswith("Release one is intact")
    assert verify("--all") == "All 2 releases are intact: 8 hashed files, as published.\n"


def test_each_kind_of_damage_is_found(two):
    style, logo = (two.root / two.manifest("two")["paths"][name] for name in ("style.css", "logo.svg"))
    style.write_bytes(style.read_bytes().replace(b"red", b"tan"))
    logo.write_bytes(b"<sv")
    (two.root / f"{style.name}.gz").unlink()
    (two.root / f"{style.name}.br").write_bytes(b"x")

    brotli = checksums_of(two, "two")[f"{style.name}.br"].size
    assert sorted(damage_found()) == sorted(
        [
            f"{style.name} has different content",
            f"{logo.name} has 3 bytes instead of 6",
            f"{style.name}.gz is missing",
            f"{style.name}.br has 1 bytes instead of {brotli}",
        ]
    )
    # The style sheet of the other release is its own.
    assert damage_found("one") == [f"{logo.name} has 3 bytes instead of 6"]
    assert len(damage_found("--all")) == 5


def test_originals_belong_to_no_release(two):
    (two.root / "logo.svg").write_text("other")

    assert "is intact" in verify()


def test_without_checksums_the_hash_in_the_name_counts(two):
    change_manifest(two, "two", checksums="")
    assert verify() == "Release two is intact: 3 hashed files, as published.\n"

    logo = two.root / two.manifest("two")["paths"]["logo.svg"]
    logo.write_bytes(b"<sv")

    assert damage_found() == [f"{logo.name} does not match the hash in its name"]


@pytest.mark.parametrize("checksums", ["x", "a:b:c d:e:f", "a:1 b:2 c:3 d:4"])
def test_damaged_checksums_are_damage_of_the_manifest(two, checksums):
    change_manifest(two, "two", checksums=checksums)

    with pytest.raises(CommandError, match=r"The checksums in the manifest .*two/staticfiles.json are damaged"):
        verify()
    # Those of another release are still of use.
    assert "is intact" in verify("one")


def test_a_damaged_manifest_is_damage(two):
    (two.root / ".releases/one/staticfiles.json").write_text("")

    with pytest.raises(CommandError, match=r"one/staticfiles.json is empty"):
        verify("--all")


def test_a_release_that_is_not_published(two):
    with pytest.raises(CommandError, match="Release three is not published"):
        verify("three")


def test_hashes_that_are_not_those_of_the_content_are_fine(site):
    # They import each other, so they have one hash together.
    site.write("a.js", "import './b.js'; export const a = 1")
    site.write("b.js", "import './a.js'; export const b = 1")
    stage = {"BACKEND": ENHANCED, "OPTIONS": {"support_js_module_import_aggregation": True}}
    site.publish("one", stage=stage)

    assert "is intact" in verify()
    name = site.manifest("one")["paths"]["a.js"]
    content = (site.root / name).read_bytes()
    assert hashlib.md5(content).hexdigest()[:12] not in name
    (site.root / name).write_bytes(content.replace(b"1", b"2"))
    assert damage_found() == [f"{name} has different content"]


def test_a_compressed_copy_that_another_version_of_the_compressor_wrote_is_fine(two, monkeypatch):
    style = two.manifest("two")["paths"]["style.css"]
    (two.root / "style.css").write_bytes((two.root / style).read_bytes())
    real = gzip.GzipFile
    monkeypatch.setattr("gzip.GzipFile", lambda *args, **kwargs: real(*args, **{**kwargs, "compresslevel": 1}))
    two.publish("three", stage=WHITENOISE)
    before = checksums_of(two, "two")[f"{style}.gz"]
    after = checksums_of(two, "three")[f"{style}.gz"]
    assert before != after

    assert "is intact" in verify("two")
    assert "All 3 releases are intact" in verify("--all")
    (two.root / f"{style}.gz").write_bytes(b"x")
    assert [line.partition(" has ")[0] for line in damage_found("two")] == [f"{style}.gz"]


def test_repair_publishes_again_what_this_checkout_has(two):
    style, logo = (two.root / two.manifest("two")["paths"][name] for name in ("style.css", "logo.svg"))
    old = two.root / two.manifest("one")["paths"]["style.css"]
    good = {path: path.read_bytes() for path in (style, logo)}
    style.unlink()
    logo.write_bytes(b"<sv")
    (two.root / f"{style.name}.gz").unlink()
    manifest = two.manifest("two")

    out = verify("two", "--repair")

    assert "Repaired 3 of 3 files." in out
    assert "Release two is intact" in out
    assert {path: path.read_bytes() for path in good} == good
    assert two.manifest("two") == manifest
    # The checkout is of release two; what release one alone has is not in it.
    old.unlink()
    logo.unlink()
    assert damage_found("one", "--repair") == [f"{old.name} is missing"]
    assert logo.read_bytes() == good[logo]


def test_verify_without_repair_changes_nothing(two):
    (two.root / two.manifest("two")["paths"]["logo.svg"]).unlink()
    before = two.state()

    damage_found()

    assert two.state() == before
    assert not re.search("lock", str(before))


def test_repair_uploads_nothing_that_is_not_what_was_published(two, monkeypatch):
    copy = two.root / f"{two.manifest('two')['paths']['style.css']}.gz"
    copy.write_bytes(b"x")
    real = gzip.GzipFile
    monkeypatch.setattr("gzip.GzipFile", lambda *args, **kwargs: real(*args, **{**kwargs, "compresslevel": 1}))

    assert len(damage_found("--repair")) == 1
    assert copy.read_bytes() == b"x"


def test_repair_leaves_alone_what_was_pruned_after_it_was_verified(two, monkeypatch):
    style = two.root / two.manifest("one")["paths"]["style.css"]
    style.unlink()
    two.write("style.css", "one { color: red }\n" * 100)
    existing = Directory.existing

    def prune_first(self, names):
        if not (names := list(names)):
            shutil.rmtree(two.root / ".releases/one")
        return existing(self, names)

    monkeypatch.setattr(Directory, "existing", prune_first)

    with pytest.raises(CommandError, match="Release one is not published"):
        verify("one", "--repair")
    assert not style.exists()


def test_repair_that_takes_too_long_uploads_nothing(two, monkeypatch):
    logo = two.root / two.manifest("two")["paths"]["logo.svg"]
    logo.unlink()
    monkeypatch.setattr(locks, "MARGIN", locks.LIFETIME[locks.SHARED] + 1)

    with pytest.raises(CommandError, match="took longer than"):
        verify("--repair")
    assert not logo.exists()


def test_repair_waits_for_a_prune(two, monkeypatch):
    (two.root / two.manifest("two")["paths"]["logo.svg"]).unlink()
    lock = two.root / ".releases/.lock-exclusive-x"
    lock.write_text("{}")
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: lock.unlink())

    out = verify("--repair")

    assert "Waiting for a prune" in out
    assert "Release two is intact" in out


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "a/../../outside.txt", "nul\0.txt", "long" * 100])
def test_a_name_that_is_no_path_in_the_static_root_is_missing(two, name):
    (two.root.parent / "outside.txt").write_text("")
    stored = two.manifest("two")
    stored["paths"]["outside.txt"] = name
    (two.root / ".releases/two/staticfiles.json").write_text(json.dumps(stored | {"checksums": ""}))

    with pytest.raises(CommandError, match=f"{re.escape(printable(name))} is missing"):
        verify()
