"""The storages for STORAGES["staticfiles"]: each process reads the manifest of its own release, once."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.utils.functional import cached_property

from release_static.errors import ReleaseStaticError, printable
from release_static.manifest import Manifest, ManifestError, ManifestUnavailable, path
from release_static.publishing.destination import Destination
from release_static.publishing.directory import Directory
from release_static.publishing.marker import PRODUCTION
from release_static.release_ids.resolve import SHAPE, ReleaseId, resolve

DJANGO = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object


class ReleaseSpecificManifestMixin(Base):
    """A mixin for `ManifestFilesMixin` storages. It finds the release id and reads the manifest with the first URL.

    Options:

    release_id, release_id_strategy     see release_ids/
    environment     what collectstatic publishes for, such as staging (default: RELEASE_ENVIRONMENT, or production)
    stage           the storage that hashes, as a dotted path or as {"BACKEND": ..., "OPTIONS": {...}}
    bundles         a list of paths, see staging/bundles.py
    references      "warn" or "error", for references that still lead to an original after hashing
    """

    def __init__(
        self,
        *args: Any,
        release_id: str | None = None,
        release_id_strategy: str | None = None,
        environment: str | None = None,
        stage: str | dict[str, Any] = DJANGO,
        bundles: Sequence[str | os.PathLike[str]] = (),
        references: str = "warn",
        **kwargs: Any,
    ) -> None:
        self._environment = str(environment or os.environ.get("RELEASE_ENVIRONMENT") or PRODUCTION)
        self.release_id_options = (release_id, release_id_strategy)
        self.stage: dict[str, Any] = {"BACKEND": stage} if isinstance(stage, str) else stage
        self.bundles = bundles
        self.references = references
        super().__init__(*args, **kwargs)
        # Set by Django's constructors; here they are read when they are first needed.
        del self.hashed_files, self.manifest_hash

    def load_manifest(self) -> tuple[dict[str, str], str]:  # type: ignore[override]
        return {}, ""

    @cached_property
    def destination(self) -> Destination:
        """Where this storage's releases are. Raises ReleaseStaticError if the settings do not say."""
        raise NotImplementedError

    @cached_property
    def release_id(self) -> ReleaseId:
        """Raises ReleaseIdError if there is none."""
        return resolve(*self.release_id_options)

    @property
    def environment(self) -> str:
        """Raises ReleaseStaticError if it is not a valid name."""
        if not SHAPE.fullmatch(self._environment):
            raise ReleaseStaticError(
                f"RELEASE_ENVIRONMENT is {self._environment[:140]!r}, which is not a valid name. It has 1 to 128 letters, "
                "digits, dots, dashes and underscores, and begins with a letter or digit."
            )
        return self._environment

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest of this release.

        Raises ReleaseStaticError if it is missing or damaged, ManifestUnavailable if it cannot be read at the moment.
        """
        release_id, location = self.release_id.value, self.manifest_location
        try:
            content = self.read_published(release_id)
            if content is None:
                raise ManifestError(f"There is no manifest {location}.")
            manifest = Manifest.parse(content, location)
            if manifest.release.get("id", release_id) != release_id:
                raise ManifestError(f"The manifest {location} belongs to release {printable(manifest.release['id'])}.")
        except OSError as error:
            raise ManifestUnavailable(
                "The manifest of this release cannot be read, so it is unknown whether its static files are published.\n"
                f"  release:  {release_id}, from {self.release_id.source}\n"
                f"  manifest: {location}\n"
                f"  problem:  {error.strerror or error}.\n"
                "Fix the cause and start this process again."
            ) from error
        except ManifestError as error:
            raise self._unusable(str(error)) from error
        return manifest

    def read_published(self, release_id: str) -> bytes | None:
        """The manifest of a release, None if there is none. May raise OSError."""
        return self.destination.read(path(release_id))

    def keep_manifest(self, release_id: str, manifest: Manifest) -> None:
        """Keep a copy of the manifest of a release that was just published, if that saves web processes a request."""

    @property
    def manifest_location(self) -> str:
        return self.destination.location(path(self.release_id.value))

    def _unusable(self, problem: str) -> ManifestError:
        try:
            releases = self.destination.releases()
        except OSError:
            releases = []
        some = ", ".join(map(printable, releases[:5])) + (f" and {len(releases) - 5} more" if len(releases) > 5 else "")
        return ManifestError(
            f"The static files of this release are not published.\n"
            f"  release:  {self.release_id}, from {self.release_id.source}\n"
            f"  problem:  {problem}\n"
            f"  releases: {some or 'none'}\n"
            f"Publish it: RELEASE_ID={self.release_id} python manage.py collectstatic --noinput\n"
            "If it is published under another id, compare what this prints there and here: python manage.py releases "
            "current --explain"
        )

    @cached_property
    def hashed_files(self) -> dict[str, str]:  # type: ignore[override]
        return self.manifest.paths

    @cached_property
    def manifest_hash(self) -> str:  # type: ignore[override]
        return self.manifest.hash

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError as error:
            from difflib import get_close_matches  # here, because most processes never need it

            close = get_close_matches(name, self.hashed_files, n=3)
            raise ValueError(
                f"{name!r} is not among the static files of release {self.release_id} ({self.manifest_location}). "
                + (f"Similar names: {', '.join(close)}. " if close else "")
                + "Correct the name, or add the file and publish a new release."
            ) from error

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        raise ReleaseStaticError(
            "This storage requires the collectstatic command of release_static, and another one is running. Put "
            '"release_static" before "django.contrib.staticfiles" in INSTALLED_APPS.'
        )


class ReleaseSpecificManifestLocalStorage(ReleaseSpecificManifestMixin, ManifestStaticFilesStorage):  # type: ignore[misc]
    """Static files in STATIC_ROOT, with one manifest per release."""

    @cached_property
    def destination(self) -> Directory:
        if not self.location:
            raise ReleaseStaticError("STATIC_ROOT is not set. Set it to the directory that the web server serves.")
        return Directory(str(self.location), self.file_permissions_mode, self.directory_permissions_mode)
