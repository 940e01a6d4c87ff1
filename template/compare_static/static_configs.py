"""The four configurations of static files. STATIC_CONFIG names one of them, and settings.py takes it from here.

What each of them does to a rolling deploy is measured and shown by: manage.py compare_static
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

ON_DISK = {"BACKEND": "django.core.files.storage.FileSystemStorage"}

# Hashes the files of a release. Unlike Django's own storage it also rewrites the imports of ES modules;
# docs/static-files.md says how to use another one.
STAGE = {
    "BACKEND": "django_manifeststaticfiles_enhanced.storage.EnhancedManifestStaticFilesStorage",
    "OPTIONS": {"support_js_module_import_aggregation": True},
}


@dataclass(frozen=True)
class StaticConfig:
    """Django's settings of these names."""

    STATIC_URL: str
    STATIC_ROOT: Path | None
    STORAGES: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Site:
    """What is the same in all four.

    `public` holds one folder a configuration, `cdn_domain` is the host that serves it, if not this machine, and
    `release_id_strategy` is the dotted path of the function that finds the id of a release.
    """

    public: Path
    release_id_strategy: str
    cdn_domain: str = ""

    @property
    def address(self) -> str:
        """Where browsers find `public`; without a CDN, from: python -m http.server -d public/ 8080"""
        return f"https://{self.cdn_domain}" if self.cdn_domain else "http://localhost:8080"


def default(site: Site) -> StaticConfig:
    """Django as it comes: files are copied to STATIC_ROOT under their own names.

    Gives: simplicity; the links in pages never change.
    Lacks: names that change with the content. A browser that has the old file keeps it, so nothing can be cached for
        long, and from the moment of collectstatic the old code serves the new files.
    Fine:  while you develop, or for files that never change.
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
    """Django's hashed names, and one manifest for everybody: STATIC_ROOT/staticfiles.json.

    Gives: names that change with the content, which browsers and CDNs may keep for ever.
    Lacks: more than one release. Each collectstatic replaces the manifest, so old code that starts after it, in a
        rolling deploy or a rollback, links to the new files; and it deletes and rewrites CSS and JavaScript that is live.
    Fine:  if the site is down while you deploy: stop, update, start.
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
    """Hashed names, and a manifest for each release: STATIC_ROOT/.releases/<release id>/staticfiles.json.

    Gives: old and new code side by side, each with its own files, and rollbacks that need no collectstatic. Nothing
        that is live is deleted or rewritten.
    Lacks: a place that many machines share. Old files stay until they are pruned.
    Fine:  in production, on one machine or on a disk that all machines see.
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
    """As `custom`, in an S3 bucket: static/.releases/<release id>/staticfiles.json. Uploads go there too, under media/.

    Gives: what `custom` gives, to any number of machines, and to a CDN in front of the bucket.
    Lacks: nothing that a rolling deploy needs. It takes a bucket, and the variables AWS_* that say which.
    Fine:  in production, on many machines or on such as lose their disk.
    """
    from release_static.s3 import settings as s3_settings

    # From AWS_STORAGE_BUCKET_NAME, AWS_S3_REGION_NAME and AWS_S3_ENDPOINT_URL.
    bucket = s3_settings.bucket(os.environ)
    return StaticConfig(
        STATIC_URL=s3_settings.static_url(os.environ, site.cdn_domain),
        STATIC_ROOT=None,
        STORAGES={
            "default": {
                # What users upload: private, under addresses that are signed and expire.
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
    """The configuration of this name, in any case. Raises ImproperlyConfigured if there is none."""
    if name.lower() not in STATIC_CONFIGS:
        raise ImproperlyConfigured(
            f"STATIC_CONFIG is {name!r}, and compare_static/static_configs.py has no such configuration. Set it to one "
            f"of {', '.join(STATIC_CONFIGS)}, or leave it out."
        )
    return STATIC_CONFIGS[name.lower()](site)
