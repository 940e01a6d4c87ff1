"""Collect and hash files in a private directory, with Django's storage or another one."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage

from release_static.manifest import NAME, RELEASES, Manifest
from release_static.publishing.destination import Source, StagedFile
from release_static.publishing.listing import walk
from release_static.publishing.names import SOURCE_MAP, problem_with
from release_static.staging.bundles import BundlesMixin
from release_static.staging.references import ReferencesMixin, StageError
from release_static.staging.search import SearchMixin

# Bytes of rewritten files that are kept in memory. Further ones are written to the directory, which takes longer.
_MEMORY = 2 << 20
# Where storages are that save files unchanged.
_PLAIN = ("django.", "django_manifeststaticfiles_enhanced.")


class StageMixin(BundlesMixin, ReferencesMixin, SearchMixin):  # type: ignore[misc]
    """A mixin for `ManifestFilesMixin` storages on disk that avoids copying.

    For an unchanged file, only the path of its source is noted. Rewritten files stay in memory while there is space.
    """

    # No file of the project can have this name.
    manifest_name = f"{RELEASES}/{NAME}"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._notes: dict[str, Source] = {}
        self._hashed_sources: dict[str, Source] = {}
        self._space = _MEMORY
        super().__init__(*args, **kwargs)  # reads the manifest, which does not exist yet

    def collect(self, name: str, storage: Storage, path: str) -> bool:
        """Note the file that a finder found at `path` in `storage`.

        Returns False if the file has to be copied, because the finder or this stage handles files in its own way.
        """
        kind, plain = type(storage), FileSystemStorage
        reads = any(getattr(kind, name, None) is not getattr(plain, name) for name in ("open", "_open"))
        if reads or type(self).save is not plain.save:
            return False
        self._notes[name] = Source.at(os.path.abspath(storage.path(path)))
        return True

    def _save(self, name: str, content: File) -> str:
        source = self._source(name, content) or self._same_as_source(name, content) or self._in_memory(name, content)
        if source is None:
            return super()._save(name, content)  # type: ignore[misc]
        self._notes[name] = source
        return name

    def _in_memory(self, name: str, content: File) -> Source | None:
        """A rewritten file, if there is space for it and the storage does not save files in its own way."""
        plain = super()._save.__module__.startswith(_PLAIN)  # type: ignore[misc]
        if not plain or not isinstance(getattr(content, "file", None), io.BytesIO) or content.size > self._space:
            return None
        self._space -= content.size
        content.seek(0)  # it was read to be hashed
        return Source.in_memory(content.read())

    def _source(self, name: str, content: File) -> Source | None:
        """The file on disk that `content` reads unchanged, or None."""
        reader = getattr(content, "file", None)
        if not isinstance(reader, io.BufferedReader) or not isinstance(reader.name, str):
            return None
        path, status = os.path.abspath(reader.name), os.fstat(reader.fileno())
        known = self._notes.get(name) or self._hashed_sources.get(name)
        return known if known and known.path == path and known.is_unchanged(status) else Source.at(path, status)

    def _same_as_source(self, name: str, content: File) -> Source | None:
        """Django saves a CSS or JS file from memory even if there was nothing to rewrite."""
        source = self._hashed_sources.get(name)
        if source is None or source.size != content.size:
            return None
        content.seek(0)  # it was read to be hashed
        return source if Path(source.path).read_bytes() == content.read() else None

    def _open(self, name: str, mode: str = "rb") -> File:
        source = self._notes.get(name)
        if source is None:
            return super()._open(name, mode)  # type: ignore[misc]
        if source.content is None:
            return File(open(source.path, mode))
        return ContentFile(source.content if "b" in mode else source.content.decode())

    def exists(self, name: str) -> bool:
        return name in self._notes or super().exists(name)

    def delete(self, name: str) -> None:
        source = self._notes.pop(name, None)
        if source is None:
            super().delete(name)
        elif source.content is not None:
            self._space += source.size

    def path(self, name: str | os.PathLike[str]) -> str:
        """For storages that access files directly, such as a compressor: write a noted file to the directory."""
        path = super().path(name)
        if source := self._notes.pop(str(name), None):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if source.content is None:
                shutil.copy2(source.path, path)
            else:
                Path(path).write_bytes(source.content)
        return path

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[tuple]:
        """Run the storage's own post-processing, then check that every hashed file exists and can be published."""
        for name in paths:
            if problem := problem_with(name):
                raise StageError(
                    f"The name of the static file {name} {problem}. Rename the file, or leave it out: collectstatic -i "
                    "PATTERN"
                )
        yield from super().post_process(paths, dry_run=dry_run, **options)
        for name, hashed in self.hashed_files.items():
            if not self.exists(hashed):
                raise StageError(
                    f"The storage that hashes named {name} {hashed}, but did not save a file with that name. Set another "
                    'one in STORAGES["staticfiles"]["OPTIONS"]["stage"], or leave the file out: collectstatic -i PATTERN'
                )
            if getattr(self, "keep_original_files", True) is False and name != hashed:
                self.delete(name)
        self.check_references()

    def file_hash(self, name: str, content: File | None = None) -> str | None:
        """Like Django's, but reads each source only once."""
        source = self._source(name, content) if content is not None and self._hashes_like_django else None
        return source.digest()[:12] if source else super().file_hash(name, content)

    @property
    def _hashes_like_django(self) -> bool:
        return getattr(super().file_hash, "__func__", None) is HashedFilesMixin.file_hash

    def hashed_name(self, name: str, content: File | None = None, filename: str | None = None) -> str:
        hashed = super().hashed_name(name, content, filename)
        if content is not None and (source := self._source(name, content)):
            self._hashed_sources[hashed] = source
        return hashed

    def manifest(self) -> Manifest:
        """Django's manifest. Raises StageError if there is nothing to publish, or if a file is in `.releases/`."""
        if not self.hashed_files:
            raise StageError(
                "There are no static files: neither the apps nor STATICFILES_DIRS contain any, or all are ignored."
            )
        for name in self.hashed_files:
            if name.partition("/")[0].casefold() == RELEASES:
                raise StageError(
                    f"The static file {name} would land among the manifests in {RELEASES}/. Rename its folder, or leave "
                    f"it out: collectstatic -i {RELEASES}"
                )
        return Manifest(paths=dict(sorted(self.hashed_files.items())), hash=self.manifest_hash, release={})

    def files(self, manifest: Manifest) -> list[StagedFile]:
        """The files to publish: originals, hashed files, and files beside them such as `.gz` and `.br`.

        Intermediate files that Django left behind are not published. The stage forgets the files that it returns, because
        there may be many.
        """
        # To find the manifest's own string for an equal name, because there may be many.
        hashed = {name: name for name in manifest.paths.values()}
        for name, found in walk(str(self.location)):
            self._notes[hashed.get(name, name)] = Source.at(found.path)
        staged = []
        while self._notes:
            name, source = self._notes.popitem()
            owner = name if name in hashed or name in manifest.paths else name.rpartition(".")[0]
            if owner in hashed or owner in manifest.paths:
                # A bundler's source map may change while the name of its file does not.
                immutable = owner in hashed and (owner == name or not name.endswith(SOURCE_MAP))
                staged.append(StagedFile(name, source, immutable))
        self._hashed_sources.clear()
        return staged
