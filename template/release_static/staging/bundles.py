"""Files that a bundler such as Vite has named after their content, and that refer to each other by these names.

They are published unchanged, under that name only. The bundler's manifest lists them; their names prove nothing:
jquery-fancybox.js looks like Vite's main-BC9VhCn9.js.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import File

from release_static.publishing.names import sibling_of
from release_static.staging.references import StageError

if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object

_SETTING = 'It is named in STORAGES["staticfiles"]["OPTIONS"]["bundles"].'


class BundlesMixin(Base):
    """A mixin for `ManifestFilesMixin` storages. Each of `bundles` is the path of a bundler's manifest or of a folder.

    The manifest is that of Vite or webpack-bundle-tracker. Every file in a folder must have a hash in its name.
    """

    def __init__(self, *args: Any, bundles: Iterable[str | os.PathLike[str]] = (), **kwargs: Any) -> None:
        self._bundles = [Path(bundle) for bundle in bundles]
        self._bundled: set[str] = set()
        super().__init__(*args, **kwargs)

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[tuple]:
        if self._bundles:
            self._bundled = find_bundled(self._bundles, paths)
            belong = lambda name: name in self._bundled or sibling_of(name) in self._bundled
            paths = {name: found for name, found in paths.items() if not belong(name)}
        yield from super().post_process(paths, dry_run=dry_run, **options)
        if compress := getattr(self, "compress_files", None):  # WhiteNoise calls it only for files that it hashed
            for name, compressed in compress(sorted(self._bundled)):
                yield name, compressed, True

    def hashed_name(self, name: str, content: File | None = None, filename: str | None = None) -> str:
        if unquote(urlsplit(name).path).strip() in self._bundled:
            return name
        return super().hashed_name(name, content, filename)

    def save_manifest(self) -> None:
        self.hashed_files.update((name, name) for name in self._bundled)
        super().save_manifest()


def find_bundled(bundles: Iterable[Path], paths: dict[str, Any]) -> set[str]:
    """The names of the collected files that belong to these bundles; `paths` are the files that Django post-processes.

    Raises StageError if a bundle does not exist, cannot be read, or contains a file that was not collected.
    """
    sources: dict[str, str] = {}
    for name, (storage, path) in paths.items():
        with suppress(NotImplementedError):  # a storage that is not on disk
            sources[name] = os.path.realpath(storage.path(path))
    bundled: set[str] = set()
    for bundle in bundles:
        bundled.update(_in_folder(bundle, sources) if bundle.is_dir() else _in_manifest(bundle, sources))
    # The files that are left out may change while the file that they belong to does not.
    return {name for name in bundled if sibling_of(name) not in bundled and not name.endswith(".LICENSE.txt")}


def _in_folder(folder: Path, sources: dict[str, str]) -> set[str]:
    root = os.path.join(os.path.realpath(folder), "")
    names = {name for name, source in sources.items() if source.startswith(root)}
    if not names:
        raise StageError(
            f"There are no static files from the bundle {folder}. {_SETTING} Add the bundler's output folder to "
            "STATICFILES_DIRS."
        )
    return names


def _in_manifest(manifest: Path, sources: dict[str, str]) -> set[str]:
    outputs = {os.path.realpath(output) for output in _outputs(manifest)}
    if missing := sorted(outputs.difference(sources.values())):
        raise StageError(
            f"{missing[0]}, which the manifest {manifest} lists, is not among the static files. If it does not exist, "
            "run the bundler again. If it does, add the bundler's output folder to STATICFILES_DIRS, before any other "
            "folder with a file of this name, and do not exclude its files with collectstatic -i."
        )
    return {name for name, source in sources.items() if source in outputs}


def _outputs(manifest: Path) -> list[Path]:
    """The files that the bundler wrote. Their paths are relative to its output folder, which contains the manifest."""
    try:
        written = _parse(json.loads(manifest.read_bytes()))
    except FileNotFoundError as error:
        raise StageError(
            f"The bundler's manifest {manifest} does not exist. {_SETTING} Correct the path, or run the bundler before "
            "collectstatic: npm run build"
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StageError(
            f"{manifest} is not a manifest of Vite or webpack-bundle-tracker ({error!r}). {_SETTING}"
        ) from error
    folders = manifest.absolute().parents
    output_folder = max(folders, key=lambda folder: sum((folder / path).is_file() for path in written))
    return [output_folder / path for path in written]


def _parse(manifest: dict[str, Any]) -> set[Path]:
    if manifest.get("status") == "done":  # source: https://github.com/django-webpack/webpack-bundle-tracker
        return {Path(asset["path"]) for asset in manifest["assets"].values()}
    # Source: https://vite.dev/guide/backend-integration
    chunks = manifest.values()
    return {Path(name) for chunk in chunks for name in (chunk["file"], *chunk.get("css", ()), *chunk.get("assets", ()))}
