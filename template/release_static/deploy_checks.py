"""System checks for `check --deploy`: anything that prevents this release from being served correctly."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from release_static import serving
from release_static.checks import publishes_releases
from release_static.publishing.predecessor import unadopted

_WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"


@register(Tags.staticfiles, deploy=True)
def check_manifest(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report what would keep a server from starting, so that a pipeline can find it before the deployment."""
    if not publishes_releases():
        return []
    if settings.DEBUG:
        return [
            Warning(
                "DEBUG is True, so it was not checked whether the static files of this release are published.",
                hint="Run this check with your production settings, with DEBUG = False.",
                id="release_static.W009",
            )
        ]
    if reason := serving.problem():
        return [Error(reason, id="release_static.E004")]
    try:
        problem = unadopted(staticfiles_storage.destination)  # type: ignore[attr-defined]
    except OSError:  # the process starts from its copy of the manifest
        return []
    return [Warning(problem, id="release_static.W007")] if problem else []


@register(Tags.staticfiles, deploy=True)
def check_applications(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not publishes_releases():
        return []
    return [
        Warning(
            f"{file} does not import from release_static, so a process without the manifest of its release starts and "
            "responds with errors.",
            hint=f"Replace the import from django.core.{kind} with: from release_static.serving import "
            f"get_{kind}_application",
            id="release_static.W005",
        )
        for kind, file in _applications()
        if not _imports_release_static(file)
    ]


@register(Tags.staticfiles, deploy=True)
def check_whitenoise(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not publishes_releases() or _WHITENOISE not in settings.MIDDLEWARE or not settings.STATIC_ROOT:
        return []
    return [
        Warning(
            "WhiteNoise serves the files that were in STATIC_ROOT when its process started: files of newer releases "
            "return 404, and the manifests in .releases/ are public.",
            hint=f'Serve STATIC_ROOT with a web server or a CDN, and remove "{_WHITENOISE}" from MIDDLEWARE.',
            id="release_static.W006",
        )
    ]


@register(Tags.staticfiles, deploy=True)
def check_static_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    bucket = getattr(staticfiles_storage, "bucket_name", None) if publishes_releases() else None
    if not bucket or urlsplit(settings.STATIC_URL).netloc:
        return []
    host = getattr(staticfiles_storage, "custom_domain", None) or f"{bucket}.s3.amazonaws.com"
    location = str(getattr(staticfiles_storage, "location", "")).strip("/")
    return [
        Warning(
            f"STATIC_URL is {settings.STATIC_URL!r}, so browsers request from this site files that are in the bucket "
            f"{bucket}.",
            hint=f'Set STATIC_URL = "https://{host}/{f"{location}/" if location else ""}", or configure your web '
            f"server to proxy {settings.STATIC_URL} to the bucket.",
            id="release_static.W008",
        )
    ]


def _applications() -> Iterator[tuple[str, Path]]:
    """("wsgi" or "asgi", its file): the ones in settings, and the other one that startproject creates beside it."""
    files: dict[Path, str] = {}
    for setting, kind in (("WSGI_APPLICATION", "wsgi"), ("ASGI_APPLICATION", "asgi")):
        module = (getattr(settings, setting, None) or "").rpartition(".")[0]
        with suppress(ImportError, ValueError):  # reported by the server
            spec = find_spec(module) if module else None
            if spec and spec.origin and spec.origin.endswith(".py"):
                files[Path(spec.origin)] = kind
    for file in list(files):
        for kind in ("wsgi", "asgi"):
            beside = file.with_name(f"{kind}.py")
            if beside.is_file():
                files.setdefault(beside, kind)
    for file, kind in files.items():
        yield kind, file


def _imports_release_static(file: Path) -> bool:
    names = [
        name
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    ]
    return any(name and name.partition(".")[0] == "release_static" for name in names)
