import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

import release_static
from release_static.storages import ReleaseSpecificManifestLocalStorage

STORAGE_OPTIONS = {"bundles", "environment", "references", "stage"}


class Site:
    """A static root, and a folder of sources to publish to it."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self.root = folder / "root"
        self.sources = folder / "sources"
        self.sources.mkdir()
        self._settings = settings
        settings.STATIC_ROOT = self.root
        settings.STATICFILES_DIRS = [self.sources]

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_release(self, release_id: str | None, **options: Any) -> None:
        """Make this process one of this release."""
        backend = "release_static.storages.ReleaseSpecificManifestLocalStorage"
        staticfiles = {"BACKEND": backend, "OPTIONS": {"release_id": release_id, **options}}
        self._settings.STORAGES = {**self._settings.STORAGES, "staticfiles": staticfiles}

    def publish(self, release_id: str, *arguments: str, **options: Any) -> str:
        """What collectstatic prints, warnings included. Takes options of the storage and of the command."""
        self.run_release(release_id, **{name: options.pop(name) for name in STORAGE_OPTIONS & options.keys()})
        output = io.StringIO()
        call_command(
            "collectstatic", *arguments, **{"interactive": False, "stdout": output, "stderr": output, **options}
        )
        return output.getvalue()

    def storage(self, release_id: str) -> ReleaseSpecificManifestLocalStorage:
        """The storage of a process of this release."""
        return ReleaseSpecificManifestLocalStorage(release_id=release_id)

    def manifest(self, release_id: str) -> dict[str, Any]:
        return json.loads((self.root / ".releases" / release_id / "staticfiles.json").read_bytes())

    def read(self, release_id: str, name: str) -> str:
        """What a visitor of this release gets under the URL of `name`."""
        return (self.root / self.storage(release_id).stored_name(name)).read_text()

    def state(self) -> dict[str, tuple[int, int, int, int]]:
        """Every file in the root: inode, size, times of the last change to content and to inode."""
        files = (path for path in self.root.rglob("*") if not path.is_dir())
        return {
            str(path.relative_to(self.root)): (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            for path in files
            for status in [path.lstat()]
        }


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Site:
    site = Site(tmp_path, settings)
    site.write("example.txt", "old")
    return site


@pytest.fixture
def project_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """project_at(folder): as if release_static/ were in that folder."""

    def project_at(folder: Path) -> None:
        monkeypatch.setattr(release_static, "__file__", str(folder / "release_static" / "__init__.py"))

    return project_at
