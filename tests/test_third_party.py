"""Static files of third-party packages."""

import hashlib
import json
from pathlib import Path

PACKAGES = ("djangorestframework", "django-debug-toolbar", "wagtail")

SETTINGS = """
from my_site.settings import *

INSTALLED_APPS += ["rest_framework", "debug_toolbar", "wagtail", "wagtail.admin", "wagtail.images", "wagtail.documents",
                   "wagtail.search", "wagtail.users", "taggit"]
"""


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()[:12]


def test_real_packages_are_published_whole_and_a_missing_source_map_of_theirs_is_forgiven(
    render, virtual_environment, django_version
):
    project = render(python=virtual_environment(django_version, *PACKAGES), django_version=django_version)
    (project.path / "shop_settings.py").write_text(SETTINGS)
    # As in monaco-editor 0.57: a script without the source map that it names.
    editor = project.path / "static" / "editor.js"
    editor.write_text("self.editor = 1;\n//# sourceMappingURL=editor.js.map\n")
    project.variables["DJANGO_SETTINGS_MODULE"] = "shop_settings"

    done = project.manage("collectstatic", "--noinput", RELEASE_ID="one")

    assert "Warning: editor.js, line 2, refers to editor.js.map" in done.stderr
    root = project.path / "public" / "static"
    paths = json.loads((root / ".releases/one/staticfiles.json").read_bytes())["paths"]
    for prefix in ("admin/css/base.css", "rest_framework/css/", "debug_toolbar/css/", "wagtailadmin/css/"):
        assert any(name.startswith(prefix) for name in paths)
    for name, hashed in paths.items():
        if not name.endswith((".css", ".js")):
            assert (root / hashed).read_bytes() == (root / name).read_bytes()
        assert hashed.split(".")[-2 if "." in name.rpartition("/")[2] else -1] == md5(root / hashed)
    assert "nothing to do" in project.manage("collectstatic", "--noinput", RELEASE_ID="one").stdout


def test_a_dangling_reference_stops_the_deploy_with_file_line_and_remedy(project):
    (project.path / "static" / "style.css").write_text("a { color: red }\nb { background: url(no.png) }\n")
    project.commit()

    done = project.manage("collectstatic", "--noinput", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: style.css, line 2, refers to no.png")
    assert "Correct the reference, add the file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(project.path.glob("public/static/.releases/*"))
