"""The project directory, in common layouts."""

import shutil
import subprocess
import sys

import pytest

from release_static.release_ids.project import project_directory
from tests.project import ROOT, environment


@pytest.mark.parametrize(
    ("manage", "folder", "expected"),
    [
        ("site/manage.py", "site", "site"),
        ("site/src/manage.py", "site/src", "site/src"),
        ("site/manage.py", "site/src", "site"),
        ("site/manage.py", "site/src/vendored", "site"),
        (None, "site", "site"),
    ],
)
def test_it_holds_manage_py_or_else_the_package(tmp_path, project_at, manage, folder, expected):
    (tmp_path / folder).mkdir(parents=True)
    if manage:
        (tmp_path / "manage.py").touch()  # of another project
        (tmp_path / manage).touch()
    project_at(tmp_path / folder)

    assert project_directory() == tmp_path / expected


def test_it_does_not_depend_on_how_a_process_is_started(tmp_path):
    site = tmp_path / "site"
    shutil.copytree(ROOT / "template" / "release_static", site / "release_static")
    script = "from release_static.release_ids.project import *; print(project_directory())"
    (site / "manage.py").write_text(script)
    found = [
        subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment(PYTHONPATH=path),
            capture_output=True,
            text=True,
            check=True,
        )
        for command, folder, path in [
            (["manage.py"], site, ""),
            (["site/manage.py"], tmp_path, ""),
            (["-c", script], site, "."),
            (["-c", script], "/", str(site)),
        ]
    ]
    assert [done.stdout.strip() for done in found] == [str(site)] * 4
