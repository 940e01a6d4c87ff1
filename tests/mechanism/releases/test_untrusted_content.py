"""manage.py releases with untrusted content at the destination: an error message, never a traceback."""

import io
import json
import os
import re
import sys
import time

import pytest
from django.core.management import CommandError, call_command

from release_static.errors import printable
from release_static.manifest import Manifest, ManifestError
from release_static.publishing.locks import EXCLUSIVE, LIFETIME

GOOD = {"version": "1.1", "hash": "abc", "paths": {"a.txt": "a.0123456789ab.txt"}}
DEEP = "[" * 100_000 + "]" * 100_000
# Clears the screen; right to left; a line of its own; no character at all.
NASTY = "\x1b[2J\u202e\nRelease x is intact\ud800\x7f\x9b"
# As the name of a folder, where a byte that is not UTF-8 is such a character.
FOLDER = NASTY.replace("\ud800", "\udcff")
ESCAPED = r"\x1b[2J\u202e\nRelease x is intact\ud800\x7f\x9b"

MALFORMED = {
    "empty": "",
    "no JSON": "{",
    "not UTF-8": b"\xff{}",
    "NUL bytes": b"\0" * 100,
    "deep": DEEP,
    "deep inside": json.dumps(GOOD)[:-1] + f', "release": {DEEP}}}',
    "a huge number": "1" * 10_000,
    "a huge number inside": json.dumps(GOOD)[:-1] + f', "release": {{"created_at": {"1" * 10_000}}}}}',
    "a list": "[]",
    "a number": "1e999",
    "version": json.dumps(GOOD | {"version": ["1.1"]}),
    "no paths": json.dumps({"version": "1.1"}),
    "empty paths": json.dumps(GOOD | {"paths": {}}),
    "paths": json.dumps(GOOD | {"paths": ["a.txt"]}),
    "a path": json.dumps(GOOD | {"paths": {"a.txt": 1}}),
    "hash": json.dumps(GOOD | {"hash": 1}),
    "checksums": json.dumps(GOOD | {"checksums": {}}),
    "release": json.dumps(GOOD | {"release": "two"}),
    "id": json.dumps(GOOD | {"release": {"id": [1]}}),
    "created_at": json.dumps(GOOD | {"release": {"id": "two", "created_at": 1e300}}),
    "created_by": json.dumps(GOOD | {"release": {"id": "two", "created_by": {"a": 1}}}),
}


def run(*arguments):
    """The output of the command, and its exit status."""
    out = io.StringIO()
    try:
        call_command("releases", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}\n", error.returncode
    return out.getvalue(), 0


def manifest_of(site, release_id):
    path = site.root / ".releases" / release_id / "staticfiles.json"
    path.parent.mkdir(exist_ok=True)
    return path


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_manifest_is_explained_by_every_command(three, content):
    content = content if isinstance(content, bytes) else content.encode()
    manifest_of(three, "two").write_bytes(content)

    with pytest.raises(ManifestError, match=r"^The manifest there "):
        Manifest.parse(content, "there")
    for arguments in ([], ["--json"], ["show", "two"], ["verify", "two"], ["verify", "--all"], ["prune"]):
        seen, code = run(*arguments)
        assert code == 1
        assert "two/staticfiles.json" in seen
    assert run("show", "three")[1] == run("verify")[1] == 0


@pytest.mark.parametrize(
    "release",
    [
        {"id": "two", "created_at": "9999-12-31T23:59:59-14:00"},
        {"id": "two", "created_at": "0001-01-01T00:00:00+14:00"},
        {"id": "two", "created_at": "2026-01-01"},
        {"id": "two", "created_at": None, "created_by": None},
        {"id": None},
        {},
    ],
)
def test_a_release_without_a_marker_counts_from_its_manifest(three, release):
    manifest_of(three, "two").write_text(json.dumps(three.manifest("two") | {"release": release}))
    (manifest_of(three, "two").parent / "environment-production.json").unlink()

    seen, code = run()

    assert code == 0
    [row] = [row for row in seen.splitlines() if row.startswith("two")]
    assert "just now" in row


@pytest.mark.parametrize("seconds", [-(2**40), 2**33, 2**60])
def test_time_stamps_that_no_calendar_has(three, monkeypatch, seconds):
    from release_static.publishing.directory import Directory

    entries = Directory.entries
    manifest_of(three, "two").write_text(json.dumps(three.manifest("two") | {"release": {}}))
    # Few file systems keep such a one.
    monkeypatch.setattr(
        Directory,
        "entries",
        lambda self, prefix="": (entry._replace(modified=float(seconds)) for entry in entries(self, prefix)),
    )

    assert run()[1] == 0
    assert run("--json")[1] == 0
    assert run("show", "two")[1] == 0
    assert run("prune", "--dry-run")[1] == 0


@pytest.fixture
def nasty(three):
    """Manifests that try to control the terminal."""
    stored = three.manifest("two")
    stored["release"]["created_by"] = NASTY
    stored["paths"] |= {NASTY: f"{NASTY}.0123456789ab", "missing.txt": f"missing{NASTY}.txt"}
    manifest_of(three, "two").write_text(json.dumps(stored))
    manifest_of(three, FOLDER).write_text(json.dumps(GOOD))
    manifest_of(three, f"{FOLDER}2").write_text("{")
    name = three.root / f"{FOLDER}.0123456789ab.txt"
    name.write_text("")
    stored = three.manifest("one")
    stored["paths"]["nasty.txt"] = name.name
    manifest_of(three, "one").write_text(json.dumps(stored))
    return three


@pytest.mark.parametrize(
    "arguments",
    [[], ["show", "two"], ["verify", "two"], ["verify", "--all"]],
    ids=lambda arguments: " ".join(arguments),
)
def test_names_are_shown_escaped_and_none_makes_a_line_of_its_own(nasty, arguments):
    seen, code = run(*arguments)

    assert all(character.isprintable() for character in seen if character != "\n")
    assert r"\x1b[2J\u202e\n" in seen
    assert not re.search(r"(?m)^Release x", seen)
    assert code == (0 if arguments[:1] == ["show"] else 1)


@pytest.mark.parametrize("arguments", [["prune"], ["verify", FOLDER], ["pin", f"{FOLDER}3"], ["show", f"{FOLDER}2"]])
def test_names_in_an_error_are_shown_escaped(nasty, arguments):
    seen, code = run(*arguments)

    assert all(character.isprintable() for character in seen if character != "\n")
    assert r"\x1b[2J\u202e" in seen
    assert code == 1


def test_where_the_id_comes_from_is_shown_escaped(site, monkeypatch):
    site.run_release(None, release_id_strategy="no\x1b[2Jsuch.strategy")

    seen, code = run("current", "--explain")

    assert code == 1
    assert "\\x1b[2J" in seen
    assert all(character.isprintable() for character in seen if character != "\n")


def test_prune_shows_what_it_deletes_escaped(nasty):
    manifest_of(nasty, f"{FOLDER}2").unlink()

    seen, code = run("-v2", "prune", "--keep=1", "--days=0", "--dry-run")

    assert code == 0
    assert "Pretending to delete '\\x1b[2J" in seen
    assert all(character.isprintable() for character in seen if character != "\n")


def test_json_is_ascii(nasty):
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("releases", "--json", stdout=out)

    assert out.getvalue().isascii()
    assert json.loads(out.getvalue())["releases"][-2]["published_by"] == NASTY


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_standard_output_cannot_encode_is_escaped(site, monkeypatch, encoding):
    site.write("täglich/日.txt", "x")
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)

    site.publish("one", stdout=None, verbosity=2)
    (site.root / site.manifest("one")["paths"]["täglich/日.txt"]).unlink()
    call_command("releases", "show", "one", "--json")
    with pytest.raises(CommandError):
        call_command("releases", "verify")
    (site.sources / "täglich/日.txt").unlink()
    site.write("example.txt", "two")
    site.publish("two")
    call_command("releases", "show", "two")

    out.flush()
    shown = out.buffer.getvalue().decode(encoding)
    assert ("- täglich/\\u65e5.txt" if encoding == "cp1252" else "- t\\xe4glich/\\u65e5.txt") in shown


def test_printable_text_stays_as_it_is():
    assert printable("app/日 ä 😀\\x1b") == "app/日 ä 😀\\x1b"
    assert printable(NASTY) == ESCAPED


def test_the_lock_of_another_is_described_escaped(three):
    (three.root / ".releases/.lock-shared-x").write_text(json.dumps({"by": NASTY, "at": "now"}))

    seen, code = run("prune", "--wait=0")

    assert code == 1
    assert "\\x1b[2J" in seen
    assert all(character.isprintable() for character in seen if character != "\n")


def test_the_lock_that_a_publisher_waits_for_is_shown_escaped(three):
    lock = three.root / f".releases/.lock-exclusive-{FOLDER}"
    lock.write_text("{}")
    ends_in = time.time() - LIFETIME[EXCLUSIVE] + 2
    os.utime(lock, (ends_in, ends_in))

    seen = three.publish("four")

    assert "Waiting for a prune" in seen and r".lock-exclusive-\x1b[2J" in seen
    assert all(character.isprintable() for character in seen if character != "\n")


@pytest.mark.skipif(os.name == "nt", reason="folders with such names")
def test_a_folder_that_is_no_release_is_ignored(three):
    (three.root / ".releases/empty").mkdir()
    (three.root / ".releases/deep/er").mkdir(parents=True)
    (three.root / ".releases/deep/er/staticfiles.json").write_text("{")
    (three.root / ".releases/staticfiles.json").write_text("{")

    assert run()[1] == run("verify", "--all")[1] == 0
