"""What is published: a checkout with all static files of some packages in one folder."""

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
_APPS = ("django.contrib.admin", "rest_framework", "unfold", "wagtail")
_SOURCE_MAP = re.compile(rb"^(/[/*]# sourceMappingURL=([^\s*]+).*)$", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """`folders` gives folders of static files; `stylesheet` is the name of the one that a change is made to."""

    name: str
    folders: Callable[[], list[Path]]
    stylesheet: str

    def check_out(self, folder: Path) -> None:
        """Put its files into a folder that is not there yet, with new time stamps, as git does."""
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
            raise SystemExit("npm is not installed, and fetches the largest set of files: apt-get install npm")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
        subprocess.run([*command, "--prefix", str(folder), *NPM], check=True)
        (folder / "complete").touch()
    return [folder / "node_modules"]


def synthetic(files: int) -> Work:
    """Half of them images, half stylesheets that refer to one each."""

    def folders() -> list[Path]:
        folder = CACHE / f"synthetic-{files}"
        if not folder.exists():
            for number in range(files // 2):
                image = folder / f"app{number % 50}" / f"image{number}.svg"
                image.parent.mkdir(parents=True, exist_ok=True)
                image.write_text(f"<svg xmlns='http://www.w3.org/2000/svg' id='{number}'/>\n" * 50)
                image.with_suffix(".css").write_text(f".c{number} {{ background: url({image.name}) }}\n" * 50)
        return [folder]

    return Work(f"{files} files", folders, "app0/image0.css")


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
    """Django refuses to publish a file that names a source map which is not there."""
    for path in [*folder.rglob("*.js"), *folder.rglob("*.css")]:
        kept = content = path.read_bytes()
        for line, target in _SOURCE_MAP.findall(content):
            if not (path.parent / os.fsdecode(target)).is_file():
                kept = kept.replace(line, b"")
        if kept != content:
            path.write_bytes(kept)
