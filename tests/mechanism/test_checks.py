import sys

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command, get_commands

DJANGO = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def messages(*, deploy: bool = False) -> dict[str, tuple[str, str]]:
    """The messages and hints, by id."""
    return {
        str(message.id): (message.msg, str(message.hint))
        for message in run_checks(include_deployment_checks=deploy)
        if str(message.id).startswith("release_static.")
    }


def errors() -> dict[str, str]:
    return {name: problem for name, (problem, _) in messages().items()}


@pytest.fixture(autouse=True)
def commands():
    """Django looks for commands once per process."""
    get_commands.cache_clear()  # type: ignore[attr-defined]
    yield
    get_commands.cache_clear()  # type: ignore[attr-defined]


@pytest.fixture
def another_collectstatic(tmp_path, monkeypatch):
    """The name of an app that has a collectstatic command too, as collectfasta does."""
    folder = tmp_path / "faster" / "management" / "commands"
    folder.mkdir(parents=True)
    (tmp_path / "faster" / "__init__.py").touch()
    (folder / "collectstatic.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faster", raising=False)  # that of an earlier test
    return "faster"


def test_a_project_as_it_is_generated_has_nothing_to_report(site):
    assert errors() == {}


def test_the_collectstatic_of_another_app_is_an_error(site, settings, another_collectstatic):
    settings.INSTALLED_APPS = [another_collectstatic, *settings.INSTALLED_APPS]

    [(name, (problem, remedy))] = messages().items()

    assert name == "release_static.E001"
    assert "The collectstatic command comes from 'faster'" in problem
    assert remedy == 'In INSTALLED_APPS, put "release_static" before "faster".'


def test_an_app_behind_this_one_may_have_a_collectstatic(site, settings, another_collectstatic):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, another_collectstatic]

    assert messages() == {}


def test_djangos_own_collectstatic_is_an_error(site, settings):
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", "release_static"]

    assert messages()["release_static.E001"][1].endswith('before "django.contrib.staticfiles".')


def test_without_staticfiles_the_order_does_not_matter(site, settings):
    settings.INSTALLED_APPS = ["release_static"]

    assert errors() == {}


@pytest.mark.parametrize("backend", [DJANGO, "no.such.Storage", "json.dumps", None])
def test_another_storage_is_an_error_in_production_alone(site, settings, another_collectstatic, backend):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    settings.INSTALLED_APPS = [another_collectstatic, *settings.INSTALLED_APPS]

    assert messages() == {}
    assert list(messages(deploy=True)) == ["release_static.E002", "release_static.E001"]


@pytest.mark.parametrize(
    ("staticfiles", "backend", "options"),
    [
        (
            {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "release_static.storages.ReleaseSpecificManifestLocalStorage",
            {},
        ),
        (
            {"BACKEND": DJANGO, "OPTIONS": {"file_permissions_mode": 0o640}},
            "release_static.storages.ReleaseSpecificManifestLocalStorage",
            {"stage": {"BACKEND": DJANGO, "OPTIONS": {"file_permissions_mode": 0o640}}},
        ),
        (
            {"BACKEND": "storages.backends.s3.S3ManifestStaticStorage", "OPTIONS": {"bucket_name": "shop"}},
            "release_static.s3.storage.ReleaseSpecificManifestS3Storage",
            {"bucket_name": "shop"},
        ),
        (
            {"BACKEND": "storages.backends.s3boto3.S3StaticStorage"},
            "release_static.s3.storage.ReleaseSpecificManifestS3Storage",
            {},
        ),
    ],
    ids=["no manifest", "a manifest", "S3", "S3 by its old name"],
)
def test_the_remedy_is_code_that_keeps_what_stood_there(site, settings, staticfiles, backend, options):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": staticfiles}
    code = messages(deploy=True)["release_static.E002"][1].partition("\n")[2]

    written = {"STORAGES": settings.STORAGES}
    exec(code, written)  # noqa: S102 (as in a settings module)

    strategy = {"release_id_strategy": "release_static.release_id_strategies.git_hash"}
    assert written["STORAGES"] == {
        "default": settings.STORAGES["default"],
        "staticfiles": {"BACKEND": backend, "OPTIONS": strategy | options},
    }


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
