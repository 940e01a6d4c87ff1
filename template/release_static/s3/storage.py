"""The storage for STORAGES["staticfiles"] that publishes to an S3 bucket."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.utils.encoding import filepath_to_uri
from django.utils.functional import cached_property
from storages.backends.s3 import S3StaticStorage

from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, Manifest, ManifestError
from release_static.publishing.destination import Destination
from release_static.release_ids.project import project_directory
from release_static.s3.bucket import Bucket
from release_static.s3.errors import NETWORK
from release_static.s3.parallel import within
from release_static.s3.settings import client_config
from release_static.storages import ReleaseSpecificManifestMixin

# The key under "release" in the copy of a manifest: where its files are published.
_DESTINATION = "destination"
# Seconds that a starting process waits for its manifest. boto3's timeouts apply to each address of a host, and it tries
# four times.
_PATIENCE = 10


class StaticUrlS3Storage(S3StaticStorage):
    """Objects under `location` in a bucket, which browsers request under STATIC_URL."""

    location = "static"
    file_overwrite = True

    @property
    def base_url(self) -> str:
        return settings.STATIC_URL

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        return urljoin(self.base_url, filepath_to_uri(name).lstrip("/"))


class ReleaseSpecificManifestS3Storage(ReleaseSpecificManifestMixin, ManifestFilesMixin, StaticUrlS3Storage):  # type: ignore[misc]
    """Static files in a bucket, with one manifest per release. Also takes the options of django-storages' S3Storage.

    A copy of the last published manifest is kept beside the code, so that processes of that release start without a
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
                'There is no bucket for static files: STORAGES["staticfiles"]["OPTIONS"]["bucket_name"] is empty. '
                "Set AWS_STORAGE_BUCKET_NAME in the environment to the name of the bucket."
            )
        if self.gzip:
            raise ReleaseStaticError(
                'STORAGES["staticfiles"] has the option gzip, which stores compressed files under their own names: '
                "clients that do not accept gzip cannot read them, and their sizes and checksums do not match those of "
                'the release. Set "gzip": False in its OPTIONS, and let the CDN compress.'
            )
        parameters = {"ACL": self.default_acl} if self.default_acl else {}
        parameters |= self.object_parameters
        connect = lambda: self.connection.meta.client
        return Bucket(connect, self.bucket_name, str(self.location), self.endpoint_url, parameters)

    @property
    def manifest_copy(self) -> Path:
        return project_directory() / NAME

    def read_published(self, release_id: str) -> bytes | None:
        try:
            content = self.manifest_copy.read_bytes()
            release = Manifest.parse(content, str(self.manifest_copy)).release
        except (OSError, ManifestError):
            release = {}
        if (release.get("id"), release.get(_DESTINATION)) == (release_id, str(self.destination)):
            return content
        try:
            return within(_PATIENCE, lambda: super(ReleaseSpecificManifestS3Storage, self).read_published(release_id))
        except TimeoutError as error:
            raise TimeoutError(f"{self.destination} did not answer in {_PATIENCE} seconds. {NETWORK}") from error

    def keep_manifest(self, release_id: str, manifest: Manifest) -> None:
        copy = replace(manifest, release={"id": release_id, _DESTINATION: str(self.destination)}, checksums="")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{NAME}-", dir=self.manifest_copy.parent)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(copy.dump())
            os.chmod(temporary, 0o644)
            os.replace(temporary, self.manifest_copy)
        except BaseException:
            os.unlink(temporary)
            raise
