"""Reasons for a server not to start. (test_storages.py tests unusable manifests.)"""

import errno
import os
import shutil
from pathlib import Path

import pytest
from django.core.checks import Tags, run_checks
from django.templatetags.static import static

from release_static.serving import get_asgi_application, get_wsgi_application, problem, require_manifest


def refusal(capsys: pytest.CaptureFixture[str], status: int = 3) -> str:
    """The output of a process that exits."""
    with pytest.raises(SystemExit) as ended:
        require_manifest()
    assert ended.value.code == status  # 3 makes gunicorn give up instead of trying for ever
    return capsys.readouterr().err


def test_a_process_without_a_manifest_ends_with_what_where_and_the_remedy(site, monkeypatch, capsys):
    site.publish("zero")
    monkeypatch.setenv("RELEASE_ID", "one")
    site.run_release(None)

    said = refusal(capsys)

    for part in (
        "The static files of this release are not published.",
        "one, from the variable RELEASE_ID",
        f"{site.root}/.releases/one/staticfiles.json",
        "releases: zero",
        "Publish it: RELEASE_ID=one python manage.py collectstatic --noinput",
        "manage.py releases current --explain",
    ):
        assert part in said


@pytest.mark.parametrize("content", [b"", b'{"paths"', b'{"version": "1.1", "paths": {}}'])
def test_a_process_with_an_unusable_manifest_ends(site, capsys, content):
    site.publish("one")
    Path(site.storage("one").manifest_location).write_bytes(content)
    site.run_release("one")

    assert "is empty" in (said := refusal(capsys)) or "is not JSON" in said or "names no files" in said


def test_a_process_whose_manifest_cannot_be_read_ends_so_that_it_is_started_again(site, monkeypatch, capsys):
    site.publish("one")
    site.publish("two")
    site.run_release("one")

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    said = refusal(capsys, status=75)

    assert "cannot be read" in said and "Permission denied" in said
    assert "two" not in said and "not published" not in said
    assert reported(deploy=True) == {"release_static.E004": problem()}
    monkeypatch.undo()
    require_manifest()


def test_other_releases_are_shown_escaped(site, capsys):
    (site.root / ".releases" / "\x1b[2J").mkdir(parents=True)
    (site.root / ".releases" / "\x1b[2J" / "staticfiles.json").touch()
    site.run_release("one")

    assert r"releases: \x1b[2J" in refusal(capsys)


@pytest.mark.parametrize("get_application", [get_wsgi_application, get_asgi_application])
def test_the_manifest_is_read_before_middleware_is_built(site, settings, capsys, get_application):
    settings.ROOT_URLCONF = "tests.mechanism.test_serving"
    settings.MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
    site.publish("one")
    site.run_release("two")

    with pytest.raises(SystemExit) as ended:
        get_application()

    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("The static files of this release are not published.")
    site.run_release("one")
    assert callable(get_application())


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("get_application", [get_wsgi_application, get_asgi_application])
def test_a_process_without_a_secret_key_ends(site, settings, capsys, get_application, debug):
    settings.SECRET_KEY, settings.DEBUG = "", debug
    site.publish("one")
    site.run_release("one")

    with pytest.raises(SystemExit) as ended:
        get_application()

    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("SECRET_KEY is empty in tests.mechanism.settings, and a server needs it")


def test_a_process_with_the_manifest_of_another_release_ends(site, capsys):
    site.publish("one")
    shutil.copytree(site.root / ".releases" / "one", site.root / ".releases" / "two")
    site.run_release("two")

    assert "belongs to release one" in refusal(capsys)


def test_a_process_without_an_id_ends_with_every_place_that_was_asked(site, monkeypatch, capsys):
    monkeypatch.delenv("RELEASE_ID", raising=False)
    site.run_release(None)

    said = refusal(capsys)

    assert "This release has no valid id" in said and "REVISION" in said and "Set RELEASE_ID" in said


def test_a_process_without_a_static_root_ends_with_what_to_set(site, settings, capsys):
    settings.STATIC_ROOT = None
    site.run_release("one")

    assert "STATIC_ROOT is not set" in refusal(capsys)


def test_a_process_that_may_serve_has_its_manifest_in_memory(site):
    site.publish("one")
    site.run_release("one")
    require_manifest()
    shutil.rmtree(site.root)

    assert static("example.txt") == "/static/example.149603e6c035.txt"


def test_debug_needs_no_release(site, settings):
    settings.DEBUG = True
    site.run_release("one")

    require_manifest()


def test_a_storage_without_releases_needs_none(site, settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}

    require_manifest()


def reported(deploy: bool) -> dict[str | None, str]:
    found = run_checks(tags=[Tags.staticfiles], include_deployment_checks=deploy)
    return {message.id: message.msg for message in found if str(message.id).startswith("release_static.")}


def test_the_deployment_check_reports_what_would_keep_a_server_from_starting(site):
    site.run_release("one")
    assert reported(deploy=True) == {"release_static.E004": problem()}
    assert reported(deploy=False) == {}

    site.publish("one")
    assert reported(deploy=True) == {}


@pytest.mark.parametrize("backend", ["no.such.Storage", None])
def test_the_deployment_check_leaves_a_wrong_storage_to_the_check_of_storages(site, settings, backend):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    assert list(reported(deploy=True)) == ["release_static.E002"]


def test_a_name_that_nothing_is_close_to_gets_no_suggestion(site):
    site.publish("one")

    with pytest.raises(ValueError, match="'xyz' is not among the static files of release one") as caught:
        static("xyz")
    assert "Similar names" not in str(caught.value)
