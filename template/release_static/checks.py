"""System checks. They have the tag "staticfiles", so collectstatic runs them too.

Settings for development and tests may use another storage, which only `check --deploy` reports.
"""

from typing import Any

from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.storage import FileSystemStorage
from django.core.management import get_commands
from django.utils.module_loading import import_string

from release_static.errors import ReleaseStaticError
from release_static.release_ids.resolve import stated
from release_static.storages import ReleaseSpecificManifestMixin

_APP = "release_static"
_STRATEGY = '"release_id_strategy": "release_static.release_id_strategies.git_hash"'


def publishes_releases() -> bool:
    """Whether STORAGES["staticfiles"] is one of this package's storages."""
    return issubclass(_storage_class(), ReleaseSpecificManifestMixin)


@register(Tags.staticfiles)
def check_collectstatic(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return _collectstatic() if publishes_releases() else []


@register(Tags.staticfiles, deploy=True)
def check_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if publishes_releases():
        return []
    backend = settings.STORAGES.get(STATICFILES_STORAGE_ALIAS, {}).get("BACKEND")
    return [
        Error(
            f"STORAGES['staticfiles'] uses {backend!r}, which does not keep a manifest per release.",
            hint=f"Add this at the end of your production settings:\n\n{_lines_for(_storage_class())}\n",
            id="release_static.E002",
        ),
        *_collectstatic(),
    ]


@register(Tags.staticfiles)
def check_release_id(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The id may be missing at this point, but if it is set it must be valid."""
    options = settings.STORAGES.get(STATICFILES_STORAGE_ALIAS, {}).get("OPTIONS", {})
    try:
        stated(options.get("release_id"))
    except ReleaseStaticError as error:
        return [Error(str(error), id="release_static.E003")]
    return []


def _collectstatic() -> list[CheckMessage]:
    """If two apps define a command, Django runs the one from the app listed first in INSTALLED_APPS."""
    owner = get_commands()["collectstatic"]
    if owner == _APP:
        return []
    return [
        Error(
            f"The collectstatic command comes from {owner!r}, which does not publish releases.",
            hint=f'In INSTALLED_APPS, put "{_APP}" before "{owner}".',
            id="release_static.E001",
        )
    ]


def _storage_class() -> type:
    """`object` if the storage cannot be imported, which Django reports."""
    try:
        found = import_string(settings.STORAGES[STATICFILES_STORAGE_ALIAS]["BACKEND"])
    except (AttributeError, ImportError, KeyError, TypeError):
        return object
    return found if isinstance(found, type) else object


def _lines_for(storage: type) -> str:
    """The settings that replace this storage."""
    backend, rest = "release_static.storages.ReleaseSpecificManifestLocalStorage", ""
    if any(base.__module__.startswith("storages.backends.s3") for base in storage.__mro__):
        backend = "release_static.s3.storage.ReleaseSpecificManifestS3Storage"
        rest = '            **STORAGES["staticfiles"].get("OPTIONS", {}),\n'
    elif issubclass(storage, ManifestFilesMixin) and issubclass(storage, FileSystemStorage):
        rest = '            "stage": STORAGES["staticfiles"],\n'
    known = "" if settings.is_overridden("STORAGES") else "from django.conf.global_settings import STORAGES\n\n"
    return (
        f"{known}STORAGES = {{\n"
        "    **STORAGES,\n"
        '    "staticfiles": {\n'
        f'        "BACKEND": "{backend}",\n'
        '        "OPTIONS": {\n'
        f"            {_STRATEGY},\n"
        f"{rest}"
        "        },\n"
        "    },\n"
        "}"
    )
