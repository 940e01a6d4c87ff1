"""Create the stage that is configured in the OPTIONS of STORAGES["staticfiles"]."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage
from django.utils.module_loading import import_string

from release_static.staging.references import StageError
from release_static.staging.stage import StageMixin


def make_stage(
    configuration: dict[str, Any],
    directory: Path,
    base_url: str | None,
    *,
    bundles: Sequence[str | os.PathLike[str]] = (),
    references: str = "warn",
) -> StageMixin:
    """A stage in `directory` based on the storage that `configuration` describes with "BACKEND" and "OPTIONS".

    For `bundles`, see bundles.py.

    Raises StageError unless the storage is a `ManifestFilesMixin` and a `FileSystemStorage` and accepts the options.
    """
    if references not in ("warn", "error"):
        raise StageError(
            f'STORAGES["staticfiles"]["OPTIONS"]["references"] is {references!r}. Set it to "warn" or "error".'
        )
    if not isinstance(bundles, list | tuple):
        raise StageError(f'STORAGES["staticfiles"]["OPTIONS"]["bundles"] is {bundles!r}. Make it a list of paths.')
    backend = str(configuration.get("BACKEND"))
    setting = 'It is named in STORAGES["staticfiles"]["OPTIONS"]["stage"].'
    try:
        storage = import_string(backend)
        usable = issubclass(storage, ManifestFilesMixin) and issubclass(storage, FileSystemStorage)
    except (ImportError, TypeError) as error:
        raise StageError(f"The storage to stage with, {backend}, cannot be used ({error}). {setting}") from error
    if not usable:
        raise StageError(
            f"{backend} cannot be used as the stage, which must be a file system storage with a manifest, such as "
            f"django.contrib.staticfiles.storage.ManifestStaticFilesStorage. {setting}"
        )
    stage = type(f"Staged{storage.__name__}", (StageMixin, storage), {})
    options = configuration.get("OPTIONS", {}) | {"bundles": bundles, "references": references}
    try:
        return stage(location=str(directory), base_url=base_url, **options)
    except TypeError as error:
        raise StageError(f"{backend} does not accept its OPTIONS ({error}). {setting}") from error
