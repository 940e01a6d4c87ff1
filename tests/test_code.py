"""The code is linted, typed, and runs with every supported version of Python and Django."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, environment


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy", "template/release_static", "template/compare_static", "tests", "benchmarks"],
    ],
    ids=" ".join,
)
def test_the_code_is_clean(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("django_version", ["5.2"])
def test_the_mechanism_with_the_oldest_python_and_django(virtual_environment, django_version, tmp_path):
    tests = ("pytest", "pytest-django", "hypothesis", "greenlet")
    bundlers = ("django-compressor", "django-vite", "django-webpack-loader")
    packages = (*tests, *bundlers, "django-storages[s3]", "whitenoise[brotli]", "django-manifeststaticfiles-enhanced")
    python = virtual_environment(django_version, *packages)

    done = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "-o",
            "addopts=",
            "-p",
            "no:cacheprovider",
            "tests/mechanism",
            "--confcutdir=tests/mechanism",
            f"--basetemp={tmp_path / 'tests'}",
            # The order of operations does not depend on the version of Python, and takes minutes to go through.
            # The order of operations does not depend on the version of Python, and takes half a minute to go through.
            "--ignore=tests/mechanism/publishing/test_interleavings.py",
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout and "skipped" not in done.stdout
