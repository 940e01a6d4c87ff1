"""What keeps a process from serving, and what a page says that names a file which is not there."""

import json

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.template import engines

from release_static.manifest import Manifest
from release_static.serving import problem, require_manifest

PATHS = {"pages/home.css": "pages/home.0123456789ab.css", "example.txt": "example.ba9876543210.txt"}


@pytest.fixture(autouse=True)
def one(tmp_path, settings, monkeypatch):
    """A process of release `one`; the path of its manifest, which is not there yet."""
    settings.DEBUG = False
    settings.BASE_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {}  # a storage that has read nothing yet
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    monkeypatch.setenv("RELEASE_ID", "one")
    for release_id in ("zero", "one"):
        manifest = settings.STATIC_ROOT / ".releases" / release_id / "staticfiles.json"
        manifest.parent.mkdir(parents=True)
        if release_id == "zero":
            manifest.write_bytes(dump(release_id))
    return manifest


def dump(release_id, paths=PATHS):
    return Manifest(paths=paths, hash="f00", release={"id": release_id}).dump()


def rendered(name):
    return engines["django"].from_string("{% load static %}{% static '" + name + "' %}").render()


UNUSABLE = {
    "missing": (None, "There is no manifest"),
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "truncated": (dump("one")[:-10], "is not JSON"),
    "binary": (b"\xff\xfe\x00", "is not JSON"),
    "a list": (b"[]", "is not a manifest of version"),
    "of another version": (b'{"version": "9", "paths": {"a": "b"}}', "is not a manifest of version"),
    "of another release": (dump("two"), "is that of release two"),
    "without files": (dump("one", {}), "names no files"),
    "without paths": (b'{"version": "1.1"}', "has no map of names"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_manifest_ends_the_process_with_what_where_and_the_remedy(kind, one, capsys):
    content, trouble = UNUSABLE[kind]
    if content is not None:
        one.write_bytes(content)

    with pytest.raises(SystemExit) as ended:
        require_manifest()

    said = capsys.readouterr().err
    assert ended.value.code == 3  # what makes gunicorn give up instead of trying for ever
    expected = ["one, from the variable RELEASE_ID", trouble, str(one), "zero", "RELEASE_ID=one python manage.py coll"]
    assert [part for part in expected if part not in said] == []


def test_a_manifest_that_is_a_directory_ends_the_process(one, capsys):
    one.mkdir()
    with pytest.raises(SystemExit):
        require_manifest()
    assert "cannot be read: Is a directory" in capsys.readouterr().err


def test_a_process_without_an_id_ends_with_every_place_that_was_asked(monkeypatch, capsys):
    monkeypatch.delenv("RELEASE_ID")
    with pytest.raises(SystemExit):
        require_manifest()
    said = capsys.readouterr().err
    assert "This release has no id" in said and "REVISION" in said and "Set RELEASE_ID" in said


def test_a_process_without_a_static_root_ends_with_what_to_set(settings, capsys):
    settings.STATIC_ROOT = None
    settings.STORAGES = settings.STORAGES | {}
    with pytest.raises(SystemExit):
        require_manifest()
    assert "STATIC_ROOT is not set" in capsys.readouterr().err


def test_a_process_reads_its_manifest_once_and_keeps_it(one):
    one.write_bytes(dump("one"))
    require_manifest()
    one.unlink()

    assert rendered("example.txt") == f"/static/{PATHS['example.txt']}"
    assert (staticfiles_storage.release_id.value, staticfiles_storage.manifest_hash) == ("one", "f00")


def test_a_manifest_that_django_wrote_itself_is_served(one):
    stored = json.loads(dump("one"))
    del stored["release"]
    one.write_text(json.dumps(stored))
    require_manifest()
    assert rendered("example.txt") == f"/static/{PATHS['example.txt']}"


def test_debug_needs_no_release(settings):
    settings.DEBUG = True
    require_manifest()


def test_a_storage_without_releases_needs_none(settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    require_manifest()


def test_the_deployment_check_reports_what_would_keep_a_server_from_starting(one, settings):
    def deployment_errors():
        try:
            call_command("check", deploy=True, tags=["staticfiles"])
        except SystemCheckError as error:
            return str(error)
        return ""

    assert "(release_static.E004) " + problem().partition("\n")[0] in deployment_errors()
    call_command("check", tags=["staticfiles"])

    one.write_bytes(dump("one"))
    assert deployment_errors() == ""


def test_a_missing_name_is_told_with_the_release_and_the_closest_names(one):
    one.write_bytes(dump("one"))
    with pytest.raises(ValueError) as caught:
        rendered("pages/hom.css")
    said = str(caught.value)
    assert "'pages/hom.css' is not among the static files of release one" in said
    assert str(one) in said
    assert "Close to it: pages/home.css." in said
    assert "Correct the name, or add the file" in said


def test_a_name_that_nothing_is_close_to_gets_no_suggestion(one):
    one.write_bytes(dump("one"))
    with pytest.raises(ValueError, match="is not among the static files of release one") as caught:
        rendered("xyz")
    assert "Close to it" not in str(caught.value)
