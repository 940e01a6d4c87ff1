"""A temporary folder in a bucket."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import boto3

from compare_static.stores import File
from release_static.errors import ReleaseStaticError
from release_static.s3 import settings as s3_settings
from release_static.s3.errors import BucketError, explained


class Corner:
    """The objects under `static/<name>/` in the bucket that the AWS_* variables set. All methods raise BucketError."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.name = f"compare-static-{secrets.token_hex(4)}"
        self._client = _client(variables)
        self._bucket = variables["AWS_STORAGE_BUCKET_NAME"]
        self._prefix = f"static/{self.name}/"

    def files(self) -> dict[str, File]:
        with self._explained("ListObjectsV2"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return {
                found["Key"].removeprefix(self._prefix): File(found["ETag"], found["LastModified"])
                for page in pages
                for found in page.get("Contents", [])
            }

    def read(self, name: str) -> bytes:
        with self._explained("GetObject"):
            return self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()

    def remove(self, name: str) -> None:
        """Does nothing if the file does not exist."""
        with self._explained("DeleteObject"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def _explained(self, operation: str) -> AbstractContextManager[None]:
        return explained(operation, f"s3://{self._bucket}/{self._prefix}")


@contextmanager
def corner(variables: Mapping[str, str]) -> Iterator[Corner]:
    """A temporary folder in the bucket. Raises ReleaseStaticError at the start if deleting is not allowed."""
    corner = Corner(variables)
    try:
        corner.remove("nothing")
    except BucketError as error:
        raise ReleaseStaticError(
            f"{error}. For s3, compare_static publishes to a temporary folder in the bucket, and deletes it afterwards. "
            "To skip s3, unset AWS_STORAGE_BUCKET_NAME."
        ) from error
    try:
        yield corner
    finally:
        for name in corner.files():
            corner.remove(name)


def public_bucket(endpoint: str) -> dict[str, str]:
    """The environment variables for a new bucket on this server, with a public `static/`."""
    bucket = "compare-static"
    variables = {
        "AWS_S3_ENDPOINT_URL": endpoint,
        "AWS_STORAGE_BUCKET_NAME": bucket,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_S3_CUSTOM_DOMAIN": "",
        "STATIC_URL": f"{endpoint}/{bucket}/static/",
    }
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**everybody, "Resource": f"arn:aws:s3:::{bucket}/static/*"}]}
    client = _client(variables)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return variables


def _client(variables: Mapping[str, str]) -> Any:
    bucket = s3_settings.bucket(variables)
    return boto3.client(
        "s3",
        endpoint_url=bucket["endpoint_url"],
        region_name=bucket["region_name"],
        config=bucket["client_config"],
        aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
    )
