"""The storages that a project can hash with, as docs/static-files.md says."""

import json
import re

import pytest

# An ES module, and what it imports.
MODULES = {"app.js": 'import { part } from "./part.js";\n', "part.js": "export const part = 1;\n"}

PRIVATE = {".releases/one/staticfiles.json", ".releases/one/environment-production.json"}


@pytest.fixture
def with_options(render, virtual_environment, django_version):
    """with_options(change): what collectstatic prints, the manifest's paths and the published files of a project whose
    settings end with that line."""

    def with_options(change):
        project = render(
            python=virtual_environment(django_version, "whitenoise[brotli]"), django_version=django_version
        )
        for name, text in MODULES.items():
            (project.path / "static" / name).write_text(text)
        with open(project.path / "my_site" / "settings.py", "a") as settings:
            settings.write(f'\nOPTIONS = STORAGES["staticfiles"]["OPTIONS"]\n{change}\n')
        done = project.manage("collectstatic", "--noinput", RELEASE_ID="one")
        root = project.path / "public" / "static"
        published = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        paths = json.loads((root / ".releases/one/staticfiles.json").read_bytes())["paths"]
        return done.stderr, paths, published, (root / paths["app.js"]).read_text()

    return with_options


def guide(template, start):
    """The line of the guide that starts with this text, as a dict."""
    text = (template / "template" / "docs" / "static-files.md.jinja").read_text()
    (line,) = re.findall(rf"^{re.escape(start)}.*$", text, re.MULTILINE)
    return eval(f"{{{line}}}")


def test_a_new_project_rewrites_the_imports_of_modules(with_options):
    warnings, paths, published, app = with_options("")

    assert warnings == ""
    assert app == f'import {{ part }} from "./{paths["part.js"]}";\n'
    assert published == {*paths, *paths.values(), *PRIVATE}


def test_without_the_option_it_is_djangos_own(with_options):
    warnings, paths, published, app = with_options('del OPTIONS["stage"]')

    assert "app.js: part.js (line 1)" in warnings
    assert app == MODULES["app.js"]
    assert published == {*paths, *paths.values(), *PRIVATE}


def test_whitenoise_compresses(with_options, template):
    stage = guide(template, '"stage": "whitenoise.')

    warnings, paths, published, app = with_options(f"OPTIONS.update({stage})")

    assert "app.js: part.js (line 1)" in warnings
    assert app == MODULES["app.js"]
    assert {f"{paths['admin/css/base.css']}{encoding}" for encoding in (".gz", ".br")} <= published


def test_without_originals(with_options, template):
    options = guide(template, '"OPTIONS": {')

    warnings, paths, published, app = with_options(f'OPTIONS["stage"].update({options})')

    assert warnings == ""
    assert paths["part.js"] in app
    assert published == {*paths.values(), *PRIVATE}


def test_references_as_errors(render, virtual_environment, django_version):
    project = render(python=virtual_environment(django_version), django_version=django_version)
    (project.path / "static" / "app.js").write_text('new Worker("example.txt");\n')
    with open(project.path / "my_site" / "settings.py", "a") as settings:
        settings.write('\nSTORAGES["staticfiles"]["OPTIONS"]["references"] = "error"\n')

    done = project.manage("collectstatic", "--noinput", RELEASE_ID="one", check=False)

    assert done.returncode == 1
    assert "app.js: example.txt (line 1)" in done.stderr
    assert "Traceback" not in done.stderr
