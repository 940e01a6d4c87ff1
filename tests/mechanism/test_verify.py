"""manage.py releases verify, on disk."""

import gzip
import hashlib
import io
import json
import re

import pytest
from django.core.management import CommandError, call_command

WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
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


@pytest.fixture
def two(site):
    site.write("logo.svg", "<svg/>")
    for release_id in ("one", "two"):
        site.write("style.css", f"{release_id} {{ color: red }}\n" * 100)
        site.publish(release_id, stage=WHITENOISE)
    return site


def test_a_whole_release(two):
    # Three files; of the style sheet two siblings.
    assert verify() == "Release two is whole: 5 hashed files are there, as they were published.\n"
    assert verify("one").startswith("Release one is whole")
    assert verify("--all") == "All 2 releases are whole: 8 hashed files are there, as they were published.\n"


def test_each_kind_of_damage_is_found(two):
    style, logo = (two.root / two.manifest("two")["paths"][name] for name in ("style.css", "logo.svg"))
    style.write_bytes(style.read_bytes().replace(b"red", b"tan"))
    logo.write_bytes(b"<sv")
    (two.root / f"{style.name}.gz").unlink()
    (two.root / f"{style.name}.br").write_bytes(b"x")

    brotli = json.loads((two.root / ".releases/two/files.json").read_bytes())["files"][f"{style.name}.br"][0]
    assert sorted(damage_found()) == sorted(
        [
            f"{style.name} has other content",
            f"{logo.name} has 3 bytes instead of 6",
            f"{style.name}.gz is not there",
            f"{style.name}.br has 1 bytes instead of {brotli}",
        ]
    )
    # The style sheet of the other release is its own.
    assert damage_found("one") == [f"{logo.name} has 3 bytes instead of 6"]
    assert len(damage_found("--all")) == 5


def test_originals_belong_to_no_release(two):
    (two.root / "logo.svg").write_text("other")

    assert "is whole" in verify()


def test_without_a_record_the_name_tells(two):
    (two.root / ".releases/two/files.json").unlink()
    assert verify() == "Release two is whole: 3 hashed files are there, as they were published.\n"

    logo = two.root / two.manifest("two")["paths"]["logo.svg"]
    logo.write_bytes(b"<sv")

    assert damage_found() == [f"{logo.name} has other content than its name says, and there is no record of it"]


def test_a_damaged_record_is_damage(two):
    (two.root / ".releases/two/files.json").write_text("[]")

    with pytest.raises(CommandError, match=r"two/files.json is damaged"):
        verify()


def test_a_damaged_manifest_is_damage(two):
    (two.root / ".releases/one/staticfiles.json").write_text("")

    with pytest.raises(CommandError, match=r"one/staticfiles.json is empty"):
        verify("--all")


def test_a_release_that_is_not_there(two):
    with pytest.raises(CommandError, match="There is no release three"):
        verify("three")


def test_hashes_that_are_not_those_of_the_content_are_fine(site):
    # They import each other, so they have one hash together.
    site.write("a.js", "import './b.js'; export const a = 1")
    site.write("b.js", "import './a.js'; export const b = 1")
    stage = {"BACKEND": ENHANCED, "OPTIONS": {"support_js_module_import_aggregation": True}}
    site.publish("one", stage=stage)

    assert "is whole" in verify()
    name = site.manifest("one")["paths"]["a.js"]
    content = (site.root / name).read_bytes()
    assert hashlib.md5(content).hexdigest()[:12] not in name
    (site.root / name).write_bytes(content.replace(b"1", b"2"))
    assert damage_found() == [f"{name} has other content"]


def test_a_sibling_that_another_version_of_the_compressor_wrote_is_fine(two, monkeypatch):
    style = two.manifest("two")["paths"]["style.css"]
    (two.root / "style.css").write_bytes((two.root / style).read_bytes())
    real = gzip.GzipFile
    monkeypatch.setattr("gzip.GzipFile", lambda *args, **kwargs: real(*args, **{**kwargs, "compresslevel": 1}))
    two.publish("three", stage=WHITENOISE)
    before = json.loads((two.root / ".releases/two/files.json").read_bytes())["files"][f"{style}.gz"]
    after = json.loads((two.root / ".releases/three/files.json").read_bytes())["files"][f"{style}.gz"]
    assert before != after

    assert "is whole" in verify("two")
    assert "All 3 releases are whole" in verify("--all")
    (two.root / f"{style}.gz").write_bytes(b"x")
    assert [line.partition(" has ")[0] for line in damage_found("two")] == [f"{style}.gz"]


def test_repair_publishes_anew_what_this_checkout_has(two):
    style, logo = (two.root / two.manifest("two")["paths"][name] for name in ("style.css", "logo.svg"))
    old = two.root / two.manifest("one")["paths"]["style.css"]
    good = {path: path.read_bytes() for path in (style, logo)}
    style.unlink()
    logo.write_bytes(b"<sv")
    (two.root / f"{style.name}.gz").unlink()
    manifest = two.manifest("two")

    out = verify("two", "--repair")

    assert "Published anew: 3 of 3 files." in out
    assert "Release two is whole" in out
    assert {path: path.read_bytes() for path in good} == good
    assert two.manifest("two") == manifest
    # The checkout is of release two; what release one alone has is not in it.
    old.unlink()
    logo.unlink()
    assert damage_found("one", "--repair") == [f"{old.name} is not there"]
    assert logo.read_bytes() == good[logo]


def test_verify_without_repair_changes_nothing(two):
    (two.root / two.manifest("two")["paths"]["logo.svg"]).unlink()
    before = two.state()

    damage_found()

    assert two.state() == before
    assert not re.search("flag", str(before))
