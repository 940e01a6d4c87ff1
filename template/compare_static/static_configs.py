"""The four configurations of static files. settings.py uses the one that STATIC_CONFIG names.

To see how each of them handles a rolling deploy: manage.py compare_static
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

ON_DISK = {"BACKEND": "django.core.files.storage.FileSystemStorage"}

# Hashes the files of a release. Unlike Django's own storage, it also rewrites the imports of ES modules.
# To use another one, see docs/static-files.md.
STAGE = {
    "BACKEND": "django_manifeststaticfiles_enhanced.storage.EnhancedManifestStaticFilesStorage",
    "OPTIONS": {"support_js_module_import_aggregation": True},
}


@dataclass(frozen=True)
class StaticConfig:
    """The Django settings with these names."""

    STATIC_URL: str
    STATIC_ROOT: Path | None
    STORAGES: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Site:
    """The options that all four share.

    `public` contains one folder per configuration, `cdn_domain` is the host that serves it, if not this machine, and
    `release_id_strategy` is the dotted path of the function that finds the id of a release.
    """

    public: Path
    release_id_strategy: str
    cdn_domain: str = ""

    @property
    def address(self) -> str:
        """The URL of `public`. Without a CDN, serve it with: python -m http.server -d public/ 8080"""
        return f"https://{self.cdn_domain}" if self.cdn_domain else "http://localhost:8080"


def default(site: Site) -> StaticConfig:
    """Django's default: files are copied to STATIC_ROOT under their own names.

    Advantages:  simple; URLs never change.
    Limitations: browsers keep using a cached file after it has changed, so files cannot be cached for long. After
        collectstatic, the old code serves the new files.
    Use it:      in development, or for files that never change.
    """
    return StaticConfig(
        STATIC_URL=f"{site.address}/static-default/",
        STATIC_ROOT=site.public / "static-default",
        STORAGES={
            "default": ON_DISK,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    )


def manifest(site: Site) -> StaticConfig:
    """Django's hashed names, with one manifest for all releases: STATIC_ROOT/staticfiles.json.

    Advantages:  names change with the content, so browsers and CDNs can cache files forever.
    Limitations: only one release at a time. Each collectstatic replaces the manifest, so old code that starts afterwards,
        in a rolling deploy or a rollback, links to the new files. It also deletes and rewrites live CSS and JavaScript.
    Use it:      if the site is down while you deploy: stop, update, start.
    """
    return StaticConfig(
        STATIC_URL=f"{site.address}/static-manifest/",
        STATIC_ROOT=site.public / "static-manifest",
        STORAGES={
            "default": ON_DISK,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
        },
    )


def custom(site: Site) -> StaticConfig:
    """Hashed names, with a manifest for each release: STATIC_ROOT/.releases/<release id>/staticfiles.json.

    Advantages:  old and new code run side by side, each with its own files, and rollbacks need no collectstatic. Live files
        are never deleted or rewritten.
    Limitations: all machines need access to the same directory. Old files are kept until they are pruned.
    Use it:      in production, on one machine or with a shared disk.
    """
    return StaticConfig(
        STATIC_URL=f"{site.address}/static-custom/",
        STATIC_ROOT=site.public / "static-custom",
        STORAGES={
            "default": ON_DISK,
            "staticfiles": {
                "BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage",
                "OPTIONS": {"release_id_strategy": site.release_id_strategy, "stage": STAGE},
            },
        },
    )


def s3(site: Site) -> StaticConfig:
    """Like `custom`, in an S3 bucket: static/.releases/<release id>/staticfiles.json. Uploads go there too, under media/.

    Advantages:  those of `custom`, for any number of machines, and for a CDN in front of the bucket.
    Limitations: requires a bucket, which the AWS_* variables set.
    Use it:      in production, on many machines or on machines with ephemeral disks.
    """
    from release_static.s3 import settings as s3_settings

    # From AWS_STORAGE_BUCKET_NAME, AWS_S3_REGION_NAME and AWS_S3_ENDPOINT_URL.
    bucket = s3_settings.bucket(os.environ)
    return StaticConfig(
        STATIC_URL=s3_settings.static_url(os.environ, site.cdn_domain),
        STATIC_ROOT=None,
        STORAGES={
            "default": {
                # Uploads: private, with signed URLs that expire.
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {**bucket, "location": "media", "file_overwrite": False, "querystring_auth": True},
            },
            "staticfiles": {
                "BACKEND": "release_static.s3.storage.ReleaseSpecificManifestS3Storage",
                "OPTIONS": {
                    **bucket,
                    "location": "static",
                    "release_id_strategy": site.release_id_strategy,
                    "stage": STAGE,
                },
            },
        },
    )


STATIC_CONFIGS = {"default": default, "manifest": manifest, "custom": custom, "s3": s3}


def choose(name: str, site: Site) -> StaticConfig:
    """The configuration with this name, ignoring case. Raises ImproperlyConfigured if there is none."""
    if name.lower() not in STATIC_CONFIGS:
        raise ImproperlyConfigured(
            f"STATIC_CONFIG is {name!r}, which is not a configuration in compare_static/static_configs.py. Set it to one "
            f"of {', '.join(STATIC_CONFIGS)}, or leave it out."
        )
    return STATIC_CONFIGS[name.lower()](site)
