import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.templatetags.static import static

from release_static.errors import ReleaseStaticError
from release_static.manifest import Manifest, ManifestError, ManifestUnavailable
from release_static.storages import ReleaseSpecificManifestLocalStorage


def test_a_process_reads_the_manifest_of_its_own_release(site):
    site.publish("one")
    site.write("example.txt", "new")
    site.publish("two")

    assert site.storage("one").url("example.txt") == "/static/example.149603e6c035.txt"
    assert site.storage("two").url("example.txt") == "/static/example.22af645d1859.txt"


def test_the_manifest_is_read_once(site):
    site.publish("one")
    storage = site.storage("one")
    storage.url("example.txt")
    Path(storage.manifest_location).unlink()

    assert storage.url("example.txt") == "/static/example.149603e6c035.txt"
    assert storage.manifest_hash == storage.manifest.hash


def test_neither_id_nor_manifest_is_needed_before_a_url_is(site, monkeypatch):
    monkeypatch.delenv("RELEASE_ID", raising=False)
    site.run_release(None)

    assert isinstance(storages["staticfiles"], ReleaseSpecificManifestLocalStorage)
    with pytest.raises(ReleaseStaticError, match="This release has no valid id"):
        staticfiles_storage.url("example.txt")


def test_under_debug_neither_id_nor_manifest_is_needed(site, settings, monkeypatch):
    monkeypatch.delenv("RELEASE_ID", raising=False)
    site.run_release(None)
    settings.DEBUG = True

    assert staticfiles_storage.url("example.txt") == "/static/example.txt"


def test_a_missing_manifest_is_explained(site):
    site.publish("one")
    site.publish("two")

    with pytest.raises(ManifestError) as error:
        site.storage("three").url("example.txt")

    for part in (
        "three, from the storage's option release_id",
        f"There is no manifest {site.root}/.releases/three/staticfiles.json",
        "releases: two, one",
        "RELEASE_ID=three python manage.py collectstatic --noinput",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b'{"paths"', "is not JSON"),
        (b"[]", "is not a manifest of version"),
        (b'{"version": "2.0", "paths": {"a": "b"}}', "is not a manifest of version"),
        (b'{"version": "1.1", "paths": {}}', "names no files"),
        (b'{"version": "1.1", "paths": ["a"]}', "has no map of names"),
        (b'{"version": "1.1", "paths": {"a": 1}}', "has no map of names"),
        (b'{"version": "1.1", "paths": {"a": "b"}, "release": 1}', "has something other than an object"),
        (b'{"version": "1.1", "paths": {"a": "b"}, "release": {"id": "two"}}', "belongs to release two"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
        (b'{"version": %s}' % (b"1" * 10_000), "is not JSON"),
        (b'{"version": "1.1", "paths": {"a": "b"}, "release": {"id": "\\u001b[2J\\ud800"}}', r"\\x1b\[2J\\ud800\."),
    ],
)
def test_a_manifest_that_is_none_is_explained(site, content, problem):
    site.publish("one")
    storage = site.storage("one")
    Path(storage.manifest_location).write_bytes(content)

    with pytest.raises(ManifestError, match=problem):
        storage.url("example.txt")


def test_a_manifest_that_cannot_be_read_is_explained(site):
    site.publish("one")
    storage = site.storage("one")
    Path(storage.manifest_location).unlink()
    Path(storage.manifest_location).mkdir()

    with pytest.raises(ManifestUnavailable) as error:
        storage.url("example.txt")

    for part in (
        "The manifest of this release cannot be read",
        "one, from the storage's option release_id",
        storage.manifest_location,
        "Is a directory",
    ):
        assert part in str(error.value)
    assert "releases:" not in str(error.value) and "not published" not in str(error.value)


def test_a_manifest_that_django_wrote_serves(site):
    folder = site.root / ".releases" / "one"
    folder.mkdir(parents=True)
    stored = {"version": "1.1", "hash": "abc", "paths": {"example.txt": "example.149603e6c035.txt"}}
    (folder / "staticfiles.json").write_text(json.dumps(stored))

    assert site.storage("one").url("example.txt") == "/static/example.149603e6c035.txt"


def test_a_name_that_is_not_in_the_manifest_is_explained_with_those_close_to_it(site):
    site.write("pages/home.css", "")
    site.publish("one")

    with pytest.raises(ValueError) as error:
        static("pages/hone.css")

    for part in (
        "'pages/hone.css' is not among the static files of release one",
        f"{site.root}/.releases/one/staticfiles.json",
        "Similar names: pages/home.css.",
        "Correct the name, or add the file and publish a new release.",
    ):
        assert part in str(error.value)


def test_a_manifest_keeps_what_it_says():
    manifest = Manifest({"a": "a.1"}, "abc", {"id": "one"}, checksums="900150983cd24fb0d6963f7d28e17f72:3")

    assert Manifest.parse(manifest.dump(), "here") == manifest


def test_a_manifest_says_who_published_it_and_when(site):
    before = datetime.now(UTC) - timedelta(seconds=1)

    site.publish("one")

    release = site.manifest("one")["release"]
    assert release["id"] == "one"
    assert before < datetime.fromisoformat(release["created_at"]) < datetime.now(UTC)
    assert release["created_by"].endswith(f"@{socket.gethostname()}")


def test_a_user_without_a_name_can_publish(site, monkeypatch):
    def no_name():
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", no_name)

    site.publish("one")

    assert site.manifest("one")["release"]["created_by"].startswith("unknown@")


def test_another_collectstatic_cannot_process_this_storage(site):
    with pytest.raises(ReleaseStaticError, match="INSTALLED_APPS"):
        site.storage("one").post_process({})
