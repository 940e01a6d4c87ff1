"""System checks of `check --deploy`: what would keep this release from being served, and what would spoil it."""

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
    """What would keep a server from starting, for a pipeline to find before there is traffic."""
    if not publishes_releases() or settings.DEBUG:
        return []
    if reason := serving.problem():
        return [Error(reason, id="release_static.E004")]
    try:
        problem = unadopted(staticfiles_storage.destination)  # type: ignore[attr-defined]
    except OSError:  # the process has a copy of its manifest, and starts
        return []
    return [Warning(problem, id="release_static.W007")] if problem else []


@register(Tags.staticfiles, deploy=True)
def check_applications(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not publishes_releases():
        return []
    return [
        Warning(
            f"{file} imports nothing from release_static, so a process without the manifest of its release starts and "
            "answers with errors.",
            hint=f"Write, instead of the import from django.core.{kind}: from release_static.serving import "
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
            "WhiteNoise serves the files that were in STATIC_ROOT when its process started. Pages of a newer release get "
            "404 from it, and everyone gets the manifests in .releases/.",
            hint=f'Have a web server or a CDN serve STATIC_ROOT, and remove "{_WHITENOISE}" from MIDDLEWARE.',
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
            f"STATIC_URL is {settings.STATIC_URL!r}, so browsers ask this site for files that are in the bucket {bucket}.",
            hint=f'Write: STATIC_URL = "https://{host}/{f"{location}/" if location else ""}". Or have your web server '
            f"forward {settings.STATIC_URL} to the bucket.",
            id="release_static.W008",
        )
    ]


def _applications() -> Iterator[tuple[str, Path]]:
    """("wsgi" or "asgi", its file): what settings name, and what startproject puts beside it."""
    files: dict[Path, str] = {}
    for setting, kind in (("WSGI_APPLICATION", "wsgi"), ("ASGI_APPLICATION", "asgi")):
        module = (getattr(settings, setting, None) or "").rpartition(".")[0]
        with suppress(ImportError, ValueError):  # which the server reports
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
