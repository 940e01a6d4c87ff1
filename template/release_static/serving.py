"""A server process checks its settings and reads the manifest of its release before the first request, or exits."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import django
from django.conf import ENVIRONMENT_VARIABLE, STATICFILES_STORAGE_ALIAS, settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from release_static.errors import ReleaseStaticError
from release_static.manifest import ManifestUnavailable
from release_static.storages import ReleaseSpecificManifestMixin

if TYPE_CHECKING:
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

# gunicorn stops when a worker exits with this status; after any other status it keeps restarting the worker.
WORKER_BOOT_ERROR = 3
# EX_TEMPFAIL of sysexits.h: a retry may help, and gunicorn, systemd and Kubernetes retry.
TRY_AGAIN = 75


def problem() -> str | None:
    """Why the static files of this release cannot be served, or None.

    Always None with DEBUG, where files are served from their apps, and for storages without releases.
    """
    try:
        _read_manifest()
    except ReleaseStaticError as error:
        return str(error)
    return None


def require_manifest() -> None:
    """Read the manifest of this release, or exit with an explanation."""
    try:
        _read_manifest()
    except ManifestUnavailable as error:
        _end(str(error), TRY_AGAIN)
    except ReleaseStaticError as error:
        _end(str(error), WORKER_BOOT_ERROR)


def require_settings() -> None:
    """Exit if the settings reject an environment variable, or if there is no secret key.

    Django itself would start without one and fail at the first login.
    """
    try:
        settings.DEBUG  # noqa: B018 (loads the settings)
    except ImproperlyConfigured as error:
        _end(str(error), WORKER_BOOT_ERROR)
    try:
        settings.SECRET_KEY  # noqa: B018 (raises if it is empty)
    except ImproperlyConfigured:
        reason = (
            f"SECRET_KEY is empty in {os.environ.get(ENVIRONMENT_VARIABLE, 'the settings')}, and a server needs it to sign "
            "cookies: set the variable that it comes from, such as DJANGO_SECRET_KEY, to a long random string."
        )
        if "runserver" in sys.argv and Path(".env.example").exists():
            reason += " For development, copy .env.example to .env."
        _end(reason, WORKER_BOOT_ERROR)


def get_wsgi_application() -> "WSGIHandler":
    """Django's WSGI application. The manifest is read before middleware is loaded: WhiteNoise's needs URLs by then."""
    from django.core import wsgi  # here, because commands do not need it

    require_settings()
    django.setup(set_prefix=False)
    require_manifest()
    return wsgi.get_wsgi_application()


def get_asgi_application() -> "ASGIHandler":
    """Like `get_wsgi_application`."""
    from django.core import asgi

    require_settings()
    django.setup(set_prefix=False)
    require_manifest()
    return asgi.get_asgi_application()


def _read_manifest() -> None:
    storage = storages[STATICFILES_STORAGE_ALIAS]
    if not settings.DEBUG and isinstance(storage, ReleaseSpecificManifestMixin):
        storage.manifest  # noqa: B018 (read now, and kept for the life of the process)


def _end(reason: str, status: int) -> NoReturn:
    print(reason, file=sys.stderr, flush=True)
    if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
        # runserver imports the application in a thread, and SystemExit would end only that thread.
        os._exit(1)
    raise SystemExit(status)
