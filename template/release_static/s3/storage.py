"""The storage for STORAGES["staticfiles"] of a project whose static files are in an S3 bucket."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.utils.encoding import filepath_to_uri
from django.utils.functional import cached_property
from storages.backends.s3 import S3StaticStorage

from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, Manifest, ManifestError
from release_static.publishing.destination import Destination
from release_static.s3.bucket import Bucket
from release_static.s3.settings import client_config
from release_static.storages import ReleaseSpecificManifestMixin

# In the copy of a manifest, under "release": which destination has the files that it names.
_DESTINATION = "destination"


class StaticUrlS3Storage(S3StaticStorage):
    """Objects under `location` in a bucket, which browsers read under STATIC_URL."""

    location = "static"
    file_overwrite = True

    @property
    def base_url(self) -> str:
        return settings.STATIC_URL

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        return urljoin(self.base_url, filepath_to_uri(name).lstrip("/"))


class ReleaseSpecificManifestS3Storage(ReleaseSpecificManifestMixin, ManifestFilesMixin, StaticUrlS3Storage):  # type: ignore[misc]
    """Static files in a bucket, with one manifest a release. Takes the options of django-storages' S3Storage too.

    A copy of the manifest that was published last stays beside the code: a process of that release starts without a
    request.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("client_config"):
            options["client_config"] = client_config(options.get("bucket_name") or "", options.get("endpoint_url"))
        super().__init__(*args, **options)

    @cached_property
    def destination(self) -> Destination:
        if not self.bucket_name:
            raise ReleaseStaticError(
                'No bucket is named in STORAGES["staticfiles"]["OPTIONS"]["bucket_name"]: set AWS_STORAGE_BUCKET_NAME.'
            )
        return Bucket(lambda: self.connection.meta.client, self.bucket_name, str(self.location), self.endpoint_url)

    @property
    def manifest_copy(self) -> Path:
        return Path(settings.BASE_DIR) / NAME

    def read_published(self, release_id: str) -> bytes | None:
        try:
            content = self.manifest_copy.read_bytes()
            release = Manifest.parse(content, str(self.manifest_copy)).release
        except (OSError, ManifestError):
            release = {}
        if (release.get("id"), release.get(_DESTINATION)) == (release_id, str(self.destination)):
            return content
        return super().read_published(release_id)

    def keep_manifest(self, manifest: Manifest) -> None:
        release = manifest.release | {_DESTINATION: str(self.destination)}
        descriptor, temporary = tempfile.mkstemp(prefix=f".{NAME}-", dir=self.manifest_copy.parent)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(Manifest(manifest.paths, manifest.hash, release, manifest.version).dump())
            os.chmod(temporary, 0o644)
            os.replace(temporary, self.manifest_copy)
        except BaseException:
            os.unlink(temporary)
            raise

    @classmethod
    def problems(cls, options: Mapping[str, Any]) -> list[str]:
        domain, served = options.get("custom_domain"), urlsplit(settings.STATIC_URL).netloc
        if not domain or domain == served or (settings.DEBUG and not served):
            return []
        problem = (
            f"STATIC_URL is {settings.STATIC_URL}, and the static files' custom_domain (AWS_S3_CUSTOM_DOMAIN) is "
            f"{domain}: browsers would be sent to the first. Set one of the two, and the other follows from it."
        )
        return [problem]
