"""System checks. They carry the tag of django.contrib.staticfiles, so that collectstatic runs them too."""

from typing import Any

from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from release_static import serving
from release_static.errors import ReleaseStaticError
from release_static.release_ids.resolve import stated
from release_static.storages import ReleaseSpecificManifestMixin


@register(Tags.staticfiles)
def check_order_of_apps(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    names = [app.name for app in apps.get_app_configs()]
    if "django.contrib.staticfiles" not in names:
        return []
    if names.index("release_static") < names.index("django.contrib.staticfiles"):
        return []
    return [
        Error(
            "'release_static' comes after 'django.contrib.staticfiles' in INSTALLED_APPS, so Django's own collectstatic "
            "would run, which deletes and rewrites live files.",
            hint="Put 'release_static' before 'django.contrib.staticfiles'.",
            id="release_static.E001",
        )
    ]


@register(Tags.staticfiles)
def check_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    backend = settings.STORAGES.get(STATICFILES_STORAGE_ALIAS, {}).get("BACKEND")
    try:
        ours = issubclass(import_string(backend), ReleaseSpecificManifestMixin)
    except (AttributeError, ImportError, TypeError):
        ours = False
    if ours:
        return []
    return [
        Error(
            f"STORAGES['staticfiles'] is {backend!r}, which has no manifest per release.",
            hint="Name release_static.storages.ReleaseSpecificManifestLocalStorage as its BACKEND.",
            id="release_static.E002",
        )
    ]


@register(Tags.staticfiles)
def check_release_id(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An id that is set must be valid; it need not be set yet."""
    options = settings.STORAGES.get(STATICFILES_STORAGE_ALIAS, {}).get("OPTIONS", {})
    try:
        stated(options.get("release_id"))
    except ReleaseStaticError as error:
        return [Error(str(error), id="release_static.E003")]
    return []


@register(Tags.staticfiles, deploy=True)
def check_manifest(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What would keep a server from starting, for a pipeline to find before there is traffic."""
    if check_storage(app_configs):
        return []
    reason = serving.problem()
    return [Error(reason, id="release_static.E004")] if reason else []
