"""What settings.py takes from the environment for S3. Django's settings need not be there yet."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from django.core.exceptions import ImproperlyConfigured

from release_static.errors import ReleaseStaticError

# Of one process, all at once: with these the requests take less time than the work for them, at 30 ms a request.
CONNECTIONS = 32

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?")


class SettingsError(ReleaseStaticError, ImproperlyConfigured):
    """A variable of the environment is missing or cannot be what it is."""


def bucket(environ: Mapping[str, str]) -> dict[str, Any]:
    """Options of django-storages' S3Storage that say which bucket on which server, and how to talk to it.

    Raises SettingsError if AWS_STORAGE_BUCKET_NAME is missing, or if AWS_S3_ENDPOINT_URL is no address.
    """
    name, endpoint = _bucket_name(environ), _endpoint(environ)
    return {
        "bucket_name": name,
        "region_name": _region(environ),
        "endpoint_url": endpoint,
        "client_config": client_config(name, endpoint),
        # boto3 itself looks for them: variables, a profile, OIDC, the role of the machine.
        "access_key": None,
        "secret_key": None,
        "security_token": None,
    }


def client_config(bucket_name: str, endpoint_url: str | None) -> Config:
    own_server: dict[str, Any] = {
        # boto3's newer checksums are unknown to R2, B2 and older MinIO and Ceph.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    # No wildcard certificate covers a name with dots, and few own servers have one.
    path = endpoint_url or "." in bucket_name
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if path else "virtual"},
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=10,
        read_timeout=30,
        **(own_server if endpoint_url else {}),
    )


def static_url(environ: Mapping[str, str], cdn_domain: str = "", *, debug: bool = False) -> str:
    """The address of the static files, with a slash at its end.

    STATIC_URL says it, or else the host in AWS_S3_CUSTOM_DOMAIN, or else `cdn_domain`, or else it is the bucket's own.
    In development runserver serves the files. Raises SettingsError for what is no address or no host.
    """
    if stated := environ.get("STATIC_URL", "").strip():
        return _address(stated)
    if debug:
        return "/static/"
    domain = _stated_domain(environ) or cdn_domain
    return f"https://{domain}/static/" if domain else f"{_bucket_url(environ)}/static/"


def custom_domain(environ: Mapping[str, str], static_url: str) -> str | None:
    """The host in AWS_S3_CUSTOM_DOMAIN, or else that of `static_url`; a check compares the two."""
    return _stated_domain(environ) or urlsplit(static_url).netloc or None


def _bucket_name(environ: Mapping[str, str]) -> str:
    name = environ.get("AWS_STORAGE_BUCKET_NAME", "").strip()
    if not name:
        raise SettingsError(
            "AWS_STORAGE_BUCKET_NAME is not set in the environment, and this project publishes its static "
            "files to an S3 bucket. Set the variable to the name of that bucket, for every command and process; for "
            "development any name will do."
        )
    return name


def _region(environ: Mapping[str, str]) -> str | None:
    names = ("AWS_S3_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")
    return next((environ[name] for name in names if environ.get(name)), None)


def _endpoint(environ: Mapping[str, str]) -> str | None:
    stated = environ.get("AWS_S3_ENDPOINT_URL", "").strip().rstrip("/")
    if stated and not _is_web_address(stated):
        raise SettingsError(
            f"AWS_S3_ENDPOINT_URL is {stated!r}, which is no web address. Write it with its scheme, as in "
            "https://s3.example.com, or leave it out for Amazon's S3."
        )
    return stated or None


def _bucket_url(environ: Mapping[str, str]) -> str:
    """Where the bucket's objects are without a CDN.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    name, region, endpoint = _bucket_name(environ), _region(environ), _endpoint(environ)
    if endpoint:
        return f"{endpoint}/{name}"
    host = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"
    if region and region.startswith("cn-"):
        host += ".cn"
    return f"https://{host}/{name}" if "." in name else f"https://{name}.{host}"


def _stated_domain(environ: Mapping[str, str]) -> str:
    stated = environ.get("AWS_S3_CUSTOM_DOMAIN", "").strip()
    domain = stated.removeprefix("https://").rstrip("/")
    if domain and not _HOST.fullmatch(domain):
        raise SettingsError(
            f"AWS_S3_CUSTOM_DOMAIN is {stated!r}, which is no host name. Write the host alone, as in "
            "static.example.com; an address with a path goes into STATIC_URL."
        )
    return domain


def _address(stated: str) -> str:
    if not _is_web_address(stated) and (not stated.startswith("/") or stated.startswith("//")):
        raise SettingsError(
            f"STATIC_URL is {stated!r}, which is no web address. Write it with its scheme, as in "
            "https://static.example.com/static/, or as a path of this site, as in /static/."
        )
    return stated.rstrip("/") + "/"


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    plain = not parts.query and not parts.fragment and not any(letter.isspace() for letter in text)
    return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(parts.netloc)) and plain
