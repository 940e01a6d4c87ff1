"""A server process reads the manifest of its own release before the first request, or exits with an explanation."""

import os
import sys
from typing import NoReturn

from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.core.files.storage import storages
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from release_static.errors import ReleaseStaticError
from release_static.storages import ReleaseSpecificManifestMixin

# gunicorn stops when a worker exits with this status; after any other it starts the next one, again and again.
WORKER_BOOT_ERROR = 3


def problem() -> str | None:
    """Why the static files of this release cannot be served, or None.

    Always None with DEBUG, where files are served from their apps, and for a storage that has no releases.
    """
    storage = storages[STATICFILES_STORAGE_ALIAS]
    if settings.DEBUG or not isinstance(storage, ReleaseSpecificManifestMixin):
        return None
    try:
        storage.manifest  # noqa: B018 (read now, and kept for the life of the process)
    except ReleaseStaticError as error:
        return str(error)
    return None


def require_manifest() -> None:
    """Read the manifest of this release, or end this process with the reason."""
    if reason := problem():
        _end(reason)


def _end(reason: str) -> NoReturn:
    print(reason, file=sys.stderr, flush=True)
    if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
        # runserver imports the application in a thread, which is all that SystemExit would end.
        os._exit(1)
    raise SystemExit(WORKER_BOOT_ERROR)
