import sys

import pytest

from tests.mechanism.test_checks import DJANGO, messages

WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"


def found():
    return messages(deploy=True)


@pytest.fixture
def published(site):
    site.publish("one")
    return site


@pytest.fixture
def applications(published, settings, tmp_path, monkeypatch):
    """applications(wsgi="...", asgi="..."): the project has these files, and settings name its wsgi.py."""
    package = tmp_path / "shop_of_the_check"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    settings.WSGI_APPLICATION = "shop_of_the_check.wsgi.application"

    def applications(**files):
        for name, text in files.items():
            (package / f"{name}.py").write_text(text)

    yield applications
    sys.modules.pop("shop_of_the_check", None)


OURS = "from release_static.serving import get_wsgi_application\n"
DJANGOS = "from django.core.wsgi import get_wsgi_application  # not release_static\nraise RuntimeError\n"


def test_a_release_that_is_published_has_nothing_to_report(published):
    assert found() == {}


def test_a_release_that_is_not_published_is_an_error(site):
    site.run_release("one")

    assert list(found()) == ["release_static.E004"]
    assert "The static files of this release are not published." in found()["release_static.E004"][0]


def test_with_debug_no_release_is_needed_and_a_warning_says_that_none_was_looked_for(site, settings):
    site.run_release("one")
    settings.DEBUG = True

    assert list(found()) == ["release_static.W009"]
    assert found()["release_static.W009"][1] == "Run this check with your production settings, with DEBUG = False."


def test_a_wsgi_py_that_does_not_require_the_manifest_is_a_warning(applications, tmp_path):
    applications(wsgi=DJANGOS)

    [(name, (problem, remedy))] = found().items()

    assert name == "release_static.W005"
    assert problem.startswith(str(tmp_path / "shop_of_the_check" / "wsgi.py"))
    assert "from release_static.serving import get_wsgi_application" in remedy


def test_an_asgi_py_beside_it_is_looked_at_too(applications, tmp_path):
    applications(wsgi=OURS, asgi="from django.core.asgi import get_asgi_application\n")

    [(problem, remedy)] = found().values()

    assert problem.startswith(str(tmp_path / "shop_of_the_check" / "asgi.py"))
    assert "from release_static.serving import get_asgi_application" in remedy


@pytest.mark.parametrize("text", [OURS, "import release_static.serving\n"])
def test_one_that_requires_the_manifest_is_fine(applications, text):
    applications(wsgi=text)

    assert found() == {}


@pytest.mark.parametrize("name", ["no_such_module.wsgi.application", "application", None])
def test_an_application_that_cannot_be_found_is_reported_by_the_server(published, settings, name):
    settings.WSGI_APPLICATION = name

    assert found() == {}


def test_whitenoise_on_a_shared_static_root_is_a_warning(published, settings):
    settings.MIDDLEWARE = [WHITENOISE]
    assert list(found()) == ["release_static.W006"]
    assert f'remove "{WHITENOISE}" from MIDDLEWARE' in found()["release_static.W006"][1]

    settings.STATIC_ROOT = None
    assert "release_static.W006" not in found()


def test_what_was_published_before_and_is_not_kept_is_a_warning(published):
    (published.root / "staticfiles.json").write_text('{"version": "1.1", "paths": {"a.css": "a.012345678901.css"}}')

    assert list(found()) == ["release_static.W007"]
    assert "manage.py releases adopt" in found()["release_static.W007"][0]


def test_with_another_storage_that_is_all_there_is_to_report(applications, settings):
    applications(wsgi=DJANGOS)
    settings.MIDDLEWARE = [WHITENOISE]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": DJANGO}}

    assert list(found()) == ["release_static.E002"]
