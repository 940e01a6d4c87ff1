import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command


def errors() -> dict[str | None, str]:
    return {message.id: message.msg for message in run_checks() if (message.id or "").startswith("release_static.")}


def test_a_project_as_it_is_generated_has_nothing_to_report(site):
    assert errors() == {}


def test_the_order_of_the_apps_matters(site, settings):
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", "release_static"]

    assert list(errors()) == ["release_static.E001"]


def test_without_staticfiles_the_order_does_not_matter(site, settings):
    settings.INSTALLED_APPS = ["release_static"]

    assert errors() == {}


@pytest.mark.parametrize(
    "backend", ["django.contrib.staticfiles.storage.ManifestStaticFilesStorage", "no.such.Storage", None]
)
def test_another_storage_is_an_error(site, settings, backend):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    assert list(errors()) == ["release_static.E002"]


@pytest.mark.parametrize(
    "release_id",
    [
        "",
        " ",
        "../../escape",
        "a/b",
        ".hidden",
        "-x",
        "unknown",
        "Unknown",
        "HEAD",
        "head",
        "a b",
        "a\n",
        "é",
        "a" * 129,
    ],
)
def test_an_id_that_is_none_is_an_error(site, monkeypatch, release_id):
    monkeypatch.setenv("RELEASE_ID", release_id)

    assert list(errors()) == ["release_static.E003"]
    assert "the variable RELEASE_ID" in errors()["release_static.E003"]


@pytest.mark.parametrize("release_id", ["a", "1", "2026.11.23-1_b", "A" * 128, "unknown-1", "HEAD2"])
def test_an_id_that_is_one_is_none(site, monkeypatch, release_id):
    monkeypatch.setenv("RELEASE_ID", release_id)

    assert errors() == {}


def test_collectstatic_runs_the_checks(site, settings):
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", "release_static"]

    with pytest.raises(CommandError, match=r"release_static\.E001"):
        call_command("collectstatic", interactive=False, skip_checks=False)
