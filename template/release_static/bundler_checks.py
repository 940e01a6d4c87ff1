"""System checks for packages that read the manifest of a bundler or compressor.

The manifest must belong to the running release, so it must not be in STATIC_ROOT, where every release overwrites it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from release_static.checks import publishes_releases
from release_static.errors import ReleaseStaticError

_VITE_LINE = '"manifest_path": BASE_DIR / "dist" / ".vite" / "manifest.json"'
_WEBPACK_LINE = '"STATS_FILE": BASE_DIR / "webpack-stats.json"'


def require_vite_manifest() -> None:
    """Raise ImproperlyConfigured where django-vite, which defaults to a path in STATIC_ROOT, would raise TypeError."""
    for setting, path in _vite(dev_mode=True):
        if path is None:
            raise ImproperlyConfigured(
                f"{setting} is not set, and neither is STATIC_ROOT, where django-vite looks by default. Set it to the "
                f"manifest that Vite writes: {_VITE_LINE}"
            )


@register(Tags.staticfiles)
def check_bundlers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not publishes_releases():
        return []
    options = settings.STORAGES[STATICFILES_STORAGE_ALIAS].get("OPTIONS", {})
    messages: list[CheckMessage] = []
    for number, found, line in ((1, _vite(), _VITE_LINE), (2, _webpack(), _WEBPACK_LINE)):
        for setting, path in found:
            if path and _in_static_root(path):
                messages.append(
                    _overwritten(setting, path, f"Set it to the file that the bundler wrote: {line}", number)
                )
            elif path and not options.get("bundles"):
                messages.append(
                    Warning(
                        f"{setting} is {path}, which is not one of the static files storage's bundles. The bundler's "
                        "files are hashed a second time, and the copies under their own names are never pruned.",
                        hint=f'Set STORAGES["staticfiles"]["OPTIONS"]["bundles"] = ["{path}"].',
                        id="release_static.W004",
                    )
                )
    return messages


@register(Tags.staticfiles)
def check_compressor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An offline manifest may be in STATIC_ROOT if its name contains the release id."""
    if not publishes_releases() or not apps.is_installed("compressor") or not settings.COMPRESS_OFFLINE:
        return []
    path = Path(settings.COMPRESS_ROOT, settings.COMPRESS_OUTPUT_DIR, settings.COMPRESS_OFFLINE_MANIFEST)
    try:
        release_id = staticfiles_storage.release_id.value  # type: ignore[attr-defined]
    except ReleaseStaticError:  # reported by other checks
        return []
    if not _in_static_root(path) or release_id in settings.COMPRESS_OFFLINE_MANIFEST:
        return []
    hint = (
        "Use one file per release: from release_static.release_ids.resolve import resolve; COMPRESS_OFFLINE_MANIFEST = "
        'f"manifest-{resolve(None, STORAGES["staticfiles"]["OPTIONS"].get("release_id_strategy"))}.json"'
    )
    return [_overwritten("COMPRESS_OFFLINE_MANIFEST", path, hint, 3)]


def _vite(*, dev_mode: bool = False) -> Iterator[tuple[str, Path | None]]:
    """The setting and the path of each manifest that django-vite reads. The path is None if it cannot be determined.

    Source: django_vite/core/asset_loader.py of django-vite 3.2.
    """
    if not apps.is_installed("django_vite"):
        return
    old = {
        name: getattr(settings, f"DJANGO_VITE_{name.upper()}", None)
        for name in ("dev_mode", "manifest_path", "static_url_prefix")
    }
    for app, config in (getattr(settings, "DJANGO_VITE", None) or {"default": old}).items():
        config = config if isinstance(config, dict) else config._asdict()
        path = config.get("manifest_path")
        if not path and settings.STATIC_ROOT:
            path = Path(settings.STATIC_ROOT, config.get("static_url_prefix") or "", "manifest.json")
        if dev_mode or not config.get("dev_mode"):
            yield f'DJANGO_VITE["{app}"]["manifest_path"]', Path(path) if path else None


def _webpack() -> Iterator[tuple[str, Path]]:
    if apps.is_installed("webpack_loader"):
        for name, config in getattr(settings, "WEBPACK_LOADER", {"DEFAULT": {}}).items():
            yield f'WEBPACK_LOADER["{name}"]["STATS_FILE"]', Path(config.get("STATS_FILE", "webpack-stats.json"))


def _in_static_root(path: Path) -> bool:
    return bool(settings.STATIC_ROOT) and Path(settings.STATIC_ROOT).resolve() in path.resolve().parents


def _overwritten(setting: str, path: Path, hint: str, number: int) -> Warning:
    return Warning(
        f"{setting} is {path}, in STATIC_ROOT, where the next release overwrites it. A process of this release that "
        "starts afterwards would link to files of the other release.",
        hint=hint,
        id=f"release_static.W00{number}",
    )
