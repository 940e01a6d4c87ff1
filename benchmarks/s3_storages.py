"""The same with django-storages, and what django-manifeststaticfiles-enhanced says to write for S3."""

from typing import Any

from django_manifeststaticfiles_enhanced.storage import EnhancedManifestFilesMixin
from storages.backends.s3 import S3ManifestStaticStorage, S3StaticStorage


class PerReleaseS3Storage(S3ManifestStaticStorage):
    def __init__(self, *args: Any, release_id: str, **options: Any) -> None:
        manifests = S3StaticStorage(**options | {"location": f"{options['location']}/releases/{release_id}"})
        super().__init__(*args, manifest_storage=manifests, **options)


class EnhancedS3Storage(EnhancedManifestFilesMixin, S3StaticStorage):
    pass
