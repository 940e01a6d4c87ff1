"""The project directory, in the layouts that projects have."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from release_static.release_ids.project import project_directory
from tests.project import ROOT, environment


@pytest.fixture
def start(tmp_path, settings, monkeypatch):
    """start("shop.settings", "src/shop/settings.py"): a process with that settings module, which has no BASE_DIR."""

    def start(name, file, folder="."):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
        monkeypatch.syspath_prepend(tmp_path / folder)
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", name)
        importlib.import_module(name)

    del settings.BASE_DIR
    loaded = set(sys.modules)
    yield start
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


@pytest.mark.parametrize("kind", [str, Path])
def test_base_dir_is_the_project_directory(start, settings, tmp_path, kind):
    start("shop.settings", "shop/settings.py")
    settings.BASE_DIR = kind(tmp_path / "base")
    assert project_directory() == tmp_path / "base"


@pytest.mark.parametrize(
    ("manage", "name", "file", "folder"),
    [
        ("manage.py", "shop.settings", "shop/settings.py", "."),
        ("manage.py", "settings", "settings.py", "."),
        ("manage.py", "config.settings.local", "config/settings/local.py", "."),
        ("manage.py", "config.settings", "config/settings/__init__.py", "."),
        ("manage.py", "shop.settings", "src/shop/settings.py", "src"),
        ("src/manage.py", "shop.settings", "src/shop/settings.py", "src"),
    ],
)
@pytest.mark.parametrize("base_dir", ["not set", None, "", 7])
def test_without_base_dir_it_is_the_one_that_holds_manage_py(
    start, settings, tmp_path, manage, name, file, folder, base_dir
):
    start(name, f"site/{file}", f"site/{folder}")
    (tmp_path / "site" / manage).touch()
    (tmp_path / "manage.py").touch()  # of another project
    if base_dir != "not set":
        settings.BASE_DIR = base_dir
    assert project_directory() == (tmp_path / "site" / manage).parent


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("shop.settings", "shop/settings.py"),
        ("settings", "settings.py"),
        ("config.settings.local", "config/settings/local.py"),
        ("config.settings", "config/settings/__init__.py"),
    ],
)
def test_without_manage_py_it_is_where_the_settings_are_imported_from(start, tmp_path, name, file):
    start(name, f"site/{file}", "site")
    assert project_directory() == tmp_path / "site"


def test_without_a_settings_module_it_is_the_current_directory(settings, tmp_path, monkeypatch):
    del settings.BASE_DIR
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    monkeypatch.chdir(tmp_path)
    assert project_directory() == tmp_path


def test_it_does_not_depend_on_how_a_process_is_started(tmp_path):
    site = tmp_path / "site"
    (site / "shop").mkdir(parents=True)
    (site / "shop" / "settings.py").touch()
    script = (
        "import django; django.setup(); from release_static.release_ids.project import *; print(project_directory())"
    )
    (site / "manage.py").write_text(script)
    variables = environment(
        DJANGO_SETTINGS_MODULE="shop.settings", PYTHONPATH=os.pathsep.join([str(site), f"{ROOT}/template"])
    )
    found = [
        subprocess.run(
            [sys.executable, *command], cwd=folder, env=variables, capture_output=True, text=True, check=True
        )
        for command, folder in [(["manage.py"], site), (["site/manage.py"], tmp_path), (["-c", script], "/")]
    ]
    assert [done.stdout.strip() for done in found] == [str(site)] * 3
