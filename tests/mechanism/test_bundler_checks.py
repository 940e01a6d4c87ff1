import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.checks.registry import registry

ROOT = Path(__file__).parent.parent.parent


def warnings() -> dict[str, tuple[str, str]]:
    """The messages and hints, by id."""
    return {
        str(message.id): (message.msg, str(message.hint))
        for message in run_checks()
        if str(message.id).startswith("release_static.")
    }


@pytest.fixture
def install(site, settings, monkeypatch):
    """install("django_vite", bundles=[...]): the project has that app, and its static files storage these options."""
    # Apps register checks of their own, which other tests must not meet.
    monkeypatch.setattr(registry, "registered_checks", set(registry.registered_checks))

    def install(app: str, **options: object) -> None:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, app]
        site.run_release("one", **options)

    return install


@pytest.mark.parametrize("app", ["django_vite", "webpack_loader"])
def test_a_manifest_in_the_code_of_the_release_that_the_storage_knows_is_fine(install, settings, tmp_path, app):
    manifest = tmp_path / "dist" / "manifest.json"
    settings.DJANGO_VITE = {"default": {"manifest_path": manifest}}
    settings.WEBPACK_LOADER = {"DEFAULT": {"STATS_FILE": str(manifest)}}
    install(app, bundles=[manifest])

    assert warnings() == {}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({}, "manifest.json"),
        ({"static_url_prefix": "shop"}, "shop/manifest.json"),
        ({"manifest_path": "{root}/.vite/manifest.json"}, ".vite/manifest.json"),
    ],
)
def test_a_manifest_of_vite_in_static_root_is_a_warning(install, settings, site, config, path):
    config = {name: value.format(root=site.root) for name, value in config.items()}
    settings.DJANGO_VITE = {"default": config}
    install("django_vite", bundles=["known"])

    [(name, (problem, remedy))] = warnings().items()

    assert name == "release_static.W001"
    assert f'DJANGO_VITE["default"]["manifest_path"] is {site.root / path}, in STATIC_ROOT, where' in problem
    assert '"manifest_path": BASE_DIR / "dist" / ".vite" / "manifest.json"' in remedy


def test_that_is_found_in_each_app_in_the_defaults_and_in_the_old_settings(install, settings, site, tmp_path):
    from django_vite.core.asset_loader import DjangoViteConfig

    install("django_vite", bundles=["known"])
    assert list(warnings()) == ["release_static.W001"]
    settings.DJANGO_VITE_MANIFEST_PATH = tmp_path / "manifest.json"
    assert warnings() == {}
    settings.DJANGO_VITE = {"fine": DjangoViteConfig(manifest_path=tmp_path / "a.json"), "other": DjangoViteConfig()}
    assert 'DJANGO_VITE["other"]' in warnings()["release_static.W001"][0]


def test_vites_development_server_needs_no_manifest(install, settings):
    settings.DJANGO_VITE = {"default": {"dev_mode": True}}
    install("django_vite")

    assert warnings() == {}


def test_stats_of_webpack_in_static_root_are_a_warning(install, settings, site):
    settings.WEBPACK_LOADER = {"DEFAULT": {"STATS_FILE": site.root / "webpack-stats.json"}}
    install("webpack_loader", bundles=["known"])

    [(name, (problem, remedy))] = warnings().items()

    assert name == "release_static.W002"
    assert f'WEBPACK_LOADER["DEFAULT"]["STATS_FILE"] is {site.root / "webpack-stats.json"}, in STATIC_ROOT' in problem
    assert '"STATS_FILE": BASE_DIR / "webpack-stats.json"' in remedy


def test_a_bundle_that_the_storage_does_not_know_is_a_warning(install, settings, tmp_path):
    settings.DJANGO_VITE = {"default": {"manifest_path": tmp_path / "manifest.json"}}
    install("django_vite")

    [(name, (problem, remedy))] = warnings().items()

    assert name == "release_static.W004"
    assert f'DJANGO_VITE["default"]["manifest_path"] is {tmp_path / "manifest.json"}, which' in problem
    assert f'STORAGES["staticfiles"]["OPTIONS"]["bundles"] = ["{tmp_path / "manifest.json"}"]' in remedy


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["release_static.W003"]),
        ({"COMPRESS_OFFLINE": False}, []),
        ({"COMPRESS_OFFLINE_MANIFEST": "manifest-one.json"}, []),
        ({"COMPRESS_OFFLINE_MANIFEST": "manifest-two.json"}, ["release_static.W003"]),
        ({"COMPRESS_ROOT": "/in/the/code"}, []),
    ],
)
def test_an_offline_manifest_of_django_compressor_is_one_per_release(install, settings, site, change, expected):
    defaults = {
        "COMPRESS_OFFLINE": True,
        "COMPRESS_ROOT": str(site.root),
        "COMPRESS_OUTPUT_DIR": "CACHE",
        "COMPRESS_OFFLINE_MANIFEST": "manifest.json",
    }
    for name, value in (defaults | change).items():
        setattr(settings, name, value)
    install("compressor")

    found = warnings()

    assert list(found) == expected
    for problem, remedy in found.values():
        assert f"COMPRESS_OFFLINE_MANIFEST is {site.root / 'CACHE'}" in problem
        assert "COMPRESS_OFFLINE_MANIFEST = f" in remedy


def test_with_another_storage_or_without_these_apps_there_is_nothing_to_warn_of(install, settings, site):
    settings.DJANGO_VITE = settings.WEBPACK_LOADER = {}
    assert warnings() == {}
    install("django_vite")
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    assert warnings() == {}


def set_up(*apps: str) -> str:
    """Django's output when it starts with these apps and without STATIC_ROOT."""
    code = f"from tests.mechanism import settings; settings.INSTALLED_APPS = {apps!r}; import django; django.setup()"
    environment = {"DJANGO_SETTINGS_MODULE": "tests.mechanism.settings", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr


def test_without_static_root_and_a_path_there_is_a_sentence_instead_of_django_vites_type_error():
    assert "TypeError" in set_up("django_vite")
    for apps in (["release_static", "django_vite"], ["django_vite", "release_static"]):
        said = set_up(*apps, "django.contrib.staticfiles")
        assert "TypeError" not in said
        assert (
            'ImproperlyConfigured: DJANGO_VITE["default"]["manifest_path"] is not set, and neither is STATIC_ROOT'
            in said
        )
        assert 'BASE_DIR / "dist" / ".vite" / "manifest.json"' in said
