"""Which packages of release_static/ may import which others, without circular imports."""

import ast
import subprocess
import sys
from pathlib import Path

import release_static

ROOT = Path(release_static.__file__).parent

# A room is a folder; what a web process needs stands at the top.
TOP = "what a web process needs"
MAY_IMPORT = {
    "errors": set(),
    "manifest": {"errors"},
    "release_ids": {"errors"},
    "publishing": {"errors", "manifest"},
    "staging": {"errors", "manifest", "publishing"},
    "releases": {"errors", "manifest", "publishing"},
    TOP: {"errors", "manifest", "release_ids", "publishing"},
    "s3": {"errors", "manifest", "release_ids", "publishing", TOP},
    "management": {"errors", "manifest", "release_ids", "publishing", "staging", "releases", TOP},
}


def imports() -> dict[str, set[str]]:
    """The modules of release_static/ that each module imports, including those under TYPE_CHECKING."""
    files = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import():
                    names = [alias.name for alias in node.names]
                case ast.ImportFrom():
                    assert node.level == 0, f"{module} has a relative import"
                    names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
                case _:
                    continue
            found[module].update(name for name in names if name in modules and name != release_static.__name__)
    return found


def room(module: str) -> str:
    first, *more = module.split(".")[1:]
    return first if more or first in MAY_IMPORT else TOP


def test_no_module_imports_itself_by_way_of_others():
    arrows = imports()

    def reached(module: str, seen: set[str]) -> set[str]:
        for imported in arrows[module] - seen:
            seen.add(imported)
            reached(imported, seen)
        return seen

    assert [module for module in arrows if module in reached(module, set())] == []


def test_rooms_import_only_those_that_the_plan_allows():
    arrows = {(room(module), room(imported)) for module, names in imports().items() for imported in names}

    assert {(one, other) for one, other in arrows if one != other and other not in MAY_IMPORT[one]} == set()
    # Every arrow of the plan is used, so that it stays the true one.
    assert {(one, other) for one, others in MAY_IMPORT.items() for other in others} <= arrows


def test_a_server_process_imports_neither_the_stage_nor_the_commands():
    code = "import django; django.setup(); import release_static.serving, sys; print(*sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "tests.mechanism.settings", "PYTHONPATH": ":".join(sys.path)}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    loaded = {name for name in done.stdout.split() if name.startswith("release_static.")}
    assert "release_static.storages" in loaded
    assert not {name for name in loaded if name.endswith((".stage", ".publish", ".locks")) or ".management" in name}
