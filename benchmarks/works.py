"""The sets of files to publish: a checkout with the static files of some packages in one folder."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "django-release-static-benchmarks"
NPM = (
    "@fortawesome/fontawesome-free@7.3.1",
    "bootstrap-icons@1.13.2",
    "monaco-editor@0.57.0",
    "mathjax@4.1.3",
)
_BROKEN = ("mathjax/sre/speech-worker.js",)
_APPS = ("django.contrib.admin", "rest_framework", "unfold", "wagtail")
_SOURCE_MAP = re.compile(rb"^(/[/*]# sourceMappingURL=([^\s*]+).*)$", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """`folders` returns folders of static files; `stylesheet` is the name of the file that changes."""

    name: str
    folders: Callable[[], list[Path]]
    stylesheet: str

    def check_out(self, folder: Path) -> None:
        """Write the files to a new folder, with new time stamps, as git does."""
        for source in self.folders():
            shutil.copytree(source, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
        _drop_dangling_source_maps(folder)

    def change(self, folder: Path, text: str) -> None:
        with open(folder / self.stylesheet, "a") as stream:
            stream.write(f"\n/* {text} */\n")


def few() -> list[Path]:
    """Three files, to try the benchmark itself."""
    folder = CACHE / "few"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>\n")
    (folder / "page.css").write_text("body { background: url(logo.svg) }\n")
    (folder / "page.js").write_text("console.log('a page')\n")
    return [folder]


def static_folders(*packages: str) -> list[Path]:
    """The `static` folders of installed packages, and of the packages in them."""
    folders = []
    for package in packages:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"The package {package} is not installed: run with uv run --group benchmarks")
        folders += sorted(Path(spec.origin).parent.glob("**/static"))
    return folders


def from_npm() -> list[Path]:
    """About 10,000 files, 180 MB."""
    folder = CACHE / "npm"
    if not (folder / "complete").exists():
        if shutil.which("npm") is None:
            raise SystemExit("npm is not installed. It downloads the largest set of files: apt-get install npm")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
        subprocess.run([*command, "--prefix", str(folder), *NPM], check=True)
        (folder / "complete").touch()
    # They import files that are not in their package.
    for name in _BROKEN:
        (folder / "node_modules" / name).unlink(missing_ok=True)
    return [folder / "node_modules"]


def synthetic(files: int) -> Work:
    """Small files: a third each images, stylesheets that refer to two of them, and modules that import one other."""

    def folders() -> list[Path]:
        folder = CACHE / f"small-{files}"
        if not (folder / "complete").exists():
            for number in range(files):
                _write_small_file(folder / "static" / f"app{number // 3 % 50}", number)
            (folder / "complete").touch()
        return [folder / "static"]

    return Work(f"{files} files", folders, "app0/style1.css")


def _write_small_file(folder: Path, number: int) -> None:
    """About 2 kB. One third after the other, so that 150 is the distance to the next file of a kind in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = number % 3
    if kind == 0:
        (folder / f"image{number}.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg' id='{number}'/>\n" * 40)
    elif kind == 1:
        image = number - 1
        rules = [
            f".c{number} {{ background: url(image{image}.svg) }}",
            f".d{number} {{ src: url('./image{image}.svg#a') }}",
        ]
        rules += [f".e{number}-{rule} {{ margin: {rule}px; color: #123456 }}" for rule in range(50)]
        (folder / f"style{number}.css").write_text("\n".join(rules))
    else:
        before = number - 150
        lines = [f"import {{ f0 }} from './module{before}.js';"] if before > 0 else ["const f0 = () => 0;"]
        lines += [f"export function f{line}(event) {{ return {line} + {number}; }}" for line in range(1, 45)]
        (folder / f"module{number}.js").write_text("\n".join([*lines, "export { f0 };"]))


WORKS = {
    work.name: work
    for work in (
        Work("few", few, "page.css"),
        Work("admin", lambda: static_folders("django.contrib.admin"), "admin/css/base.css"),
        Work("apps", lambda: static_folders(*_APPS), "admin/css/base.css"),
        Work("npm", from_npm, "@fortawesome/fontawesome-free/css/all.css"),
    )
}


def size_of(folder: Path) -> tuple[int, int]:
    """Files and bytes below a folder."""
    sizes = [os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names]
    return len(sizes), sum(sizes)


def _drop_dangling_source_maps(folder: Path) -> None:
    """Remove references to missing source maps, which Django refuses to publish."""
    for path in [*folder.rglob("*.js"), *folder.rglob("*.css")]:
        kept = content = path.read_bytes()
        for line, target in _SOURCE_MAP.findall(content):
            if not (path.parent / os.fsdecode(target)).is_file():
                kept = kept.replace(line, b"")
        if kept != content:
            path.write_bytes(kept)
