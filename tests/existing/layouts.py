"""Django projects with common layouts, in production before release_static/ is added.

Each has a page /shop, whose style sheet a release changes, tests of its own, and a static root that a variable names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.project import Project

MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
PRODUCTION = """
import os

DEBUG = False
SECRET_KEY = "for tests, and long enough for the checks of a deployment: " + "s" * 20
ALLOWED_HOSTS = ["localhost", "testserver"]
STATIC_ROOT = os.environ["STATIC_ROOT"]
"""
STORAGES = f"""
STORAGES = {{
    "default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}},
    "staticfiles": {{"BACKEND": "{MANIFEST}"}},
}}
"""
PAGE = """{% load static %}<link rel="stylesheet" href="{% static 'shop.css' %}">"""
COMPRESSED = """{% load static compress %}<link rel="stylesheet" href="{% static 'shop.css' %}">
{% compress css %}<link rel="stylesheet" href="{% static 'shop.css' %}">{% endcompress %}"""
URLS = """
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [path("shop", TemplateView.as_view(template_name="shop.html")), *urlpatterns]
"""
TESTS = """
from django.test import SimpleTestCase


class ShopTests(SimpleTestCase):
    def test_the_page_links_to_its_style_sheet(self):
        self.assertContains(self.client.get("/shop"), 'href="/static/shop.css"')
"""
WSGI = """import os

from django.core.{kind} import get_{kind}_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")

application = get_{kind}_application()
"""
MANAGE = """import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""


@dataclass(frozen=True)
class Layout:
    """`write` makes a project in an empty folder. The paths are relative to the one that holds manage.py."""

    write: Callable[[Project], None]
    django_version: str
    packages: tuple[str, ...]
    # The module of production, and that of development if there is one.
    production: str
    style_sheet: str
    wsgi: str = "shop.wsgi"
    development: str = ""
    testing: str = ""
    # Of the folder with manage.py, in the repository.
    folder: str = "."
    has_manifest: bool = True
    # The commit names a release, not a variable.
    by_git: bool = False
    # What its storage puts into names.
    hashed: str = r"\.[0-9a-f]{12}\."
    variables: dict[str, str] = field(default_factory=dict)

    def path_of(self, module: str) -> str:
        return f"{module.replace('.', '/')}.py"


def write(folder: Path, **files: str) -> None:
    """write(folder, shop__settings="...") writes shop/settings.py; a name with a dot in the key stays as it is."""
    for name, text in files.items():
        path = folder / (name if "." in name else f"{name.replace('__', '/')}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def startproject(project: Project, storages: str = STORAGES) -> None:
    project.run(str(project.python), "-m", "django", "startproject", "shop", ".")
    append(project.path / "shop/settings.py", f"{PRODUCTION}{storages}")
    append(
        project.path / "shop/settings.py",
        'STATICFILES_DIRS = [BASE_DIR / "static"]\nTEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]\n',
    )
    append(project.path / "shop/urls.py", URLS)
    write(project.path, shop__tests=TESTS, **{"templates/shop.html": PAGE, "static/shop.css": ""})


def startproject_without_storages(project: Project) -> None:
    startproject(project, storages="")


def wagtail_start(project: Project) -> None:
    assert project.python is not None
    project.run(project.python.with_name("wagtail"), "start", "shop", ".")
    append(project.path / "shop/settings/production.py", PRODUCTION)
    append(project.path / "shop/urls.py", URLS)
    write(project.path, shop__tests=TESTS, **{"shop/templates/shop.html": PAGE, "shop/static/shop.css": ""})


def cookiecutter(project: Project) -> None:
    """The layout of cookiecutter-django with WhiteNoise and django-compressor, written by hand."""
    base = """from pathlib import Path

BASE_DIR = Path(__file__).resolve(strict=True).parent.parent.parent
INSTALLED_APPS = ["django.contrib.staticfiles", "compressor", "shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "compressor.finders.CompressorFinder",
]
USE_TZ = True
"""
    other = (
        'from .base import *\n\nSECRET_KEY = "for development"\n'
        'COMPRESS_ENABLED = False\nCOMPRESS_ROOT = BASE_DIR / "staticfiles"\n'
    )
    whitenoise = STORAGES.replace(MANIFEST, "whitenoise.storage.CompressedManifestStaticFilesStorage")
    write(
        project.path,
        manage=MANAGE.format(settings="config.settings.local"),
        config____init__="",
        config__urls=f"urlpatterns = []\n{URLS}",
        config__wsgi=WSGI.format(kind="wsgi", settings="config.settings.production"),
        config__settings____init__="",
        config__settings__base=base,
        config__settings__local=f"{other}DEBUG = True\nINSTALLED_APPS = ['whitenoise.runserver_nostatic', *INSTALLED_APPS]\n",
        config__settings__test=other,
        config__settings__production="from .base import *\n"
        f"{PRODUCTION}COMPRESS_OFFLINE = True\nCOMPRESS_ROOT = STATIC_ROOT\n{whitenoise}",
        shop____init__="",
        shop__tests=TESTS,
        **{"shop/templates/shop.html": COMPRESSED, "shop/static/shop.css": ""},
    )


def src(project: Project) -> None:
    settings = f"""import os.path

ROOT = os.path.dirname(os.path.dirname(__file__))
INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
STATIC_URL = "/static/"
USE_TZ = True
{PRODUCTION}{STORAGES.replace(MANIFEST, "shop.storage.Storage")}"""
    storage = f"from {MANIFEST.rpartition('.')[0]} import ManifestStaticFilesStorage\n\n\n"
    write(
        project.path,
        manage=MANAGE.format(settings="shop.settings"),
        shop____init__="",
        shop__settings=settings,
        shop__storage=f"{storage}class Storage(ManifestStaticFilesStorage):\n    def file_hash(self, name, content=None):\n"
        "        return content and f'{super().file_hash(name, content)[:8]}beef'\n",
        shop__tests=TESTS,
        shop__urls=f"urlpatterns = []\n{URLS}",
        shop__wsgi=WSGI.format(kind="wsgi", settings="shop.settings"),
        **{"shop/templates/shop.html": PAGE, "shop/static/shop.css": ""},
    )


LAYOUTS = {
    "startproject of Django 5.2": Layout(startproject, "5.2", (), "shop.settings", "static/shop.css"),
    "startproject of Django 6.1, without STORAGES": Layout(
        startproject_without_storages, "6.1", (), "shop.settings", "static/shop.css", has_manifest=False
    ),
    "wagtail start": Layout(
        wagtail_start,
        "6.1",
        ("djangorestframework", "django-debug-toolbar", "wagtail"),
        "shop.settings.production",
        "shop/static/shop.css",
        development="shop.settings.dev",
    ),
    "config package with three settings modules": Layout(
        cookiecutter,
        "6.1",
        ("django-compressor", "whitenoise[brotli]"),
        "config.settings.production",
        "shop/static/shop.css",
        wsgi="config.wsgi",
        development="config.settings.local",
        testing="config.settings.test",
    ),
    "src without BASE_DIR": Layout(
        src,
        "6.1",
        (),
        "shop.settings",
        "shop/static/shop.css",
        folder="src",
        by_git=True,
        hashed=r"\.[0-9a-f]{8}beef\.",
    ),
}
