"""Options for S3 from environment variables, for use in settings.py."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from django.core.exceptions import ImproperlyConfigured

from release_static.errors import ReleaseStaticError

# Per process. At 30 ms per request, this is enough to keep one CPU busy.
CONNECTIONS = 32

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?")


class SettingsError(ReleaseStaticError, ImproperlyConfigured):
    """An environment variable has an invalid value."""


def bucket(environ: Mapping[str, str]) -> dict[str, Any]:
    """Options of django-storages' S3Storage for the bucket and the connection to it.

    The bucket name is "" if AWS_STORAGE_BUCKET_NAME is not set, so that only commands that need the bucket fail. Raises
    SettingsError if AWS_S3_ENDPOINT_URL is not a URL.
    """
    name, endpoint = _bucket_name(environ), _endpoint(environ)
    return {
        "bucket_name": name,
        "region_name": _region(environ),
        "endpoint_url": endpoint,
        "client_config": client_config(name, endpoint),
        # boto3 finds the credentials: environment variables, a profile, OIDC or the role of the machine.
        "access_key": None,
        "secret_key": None,
        "security_token": None,
    }


def client_config(bucket_name: str, endpoint_url: str | None) -> Config:
    other_server: dict[str, Any] = {
        # R2, B2 and older versions of MinIO and Ceph do not support boto3's newer checksums.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    # A wildcard certificate does not match a bucket name with dots, and few servers other than Amazon's have one.
    path = endpoint_url or "." in bucket_name
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if path else "virtual"},
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=10,
        read_timeout=30,
        **(other_server if endpoint_url else {}),
    )


def static_url(environ: Mapping[str, str], cdn_domain: str = "", *, debug: bool = False) -> str:
    """The URL of the static files, with a trailing slash.

    It is the first of STATIC_URL, AWS_S3_CUSTOM_DOMAIN, `cdn_domain` and the bucket's own host that is set. The default
    is /static/ in development, where runserver serves it, and without a bucket, for commands that do not need one.

    Raises SettingsError if a variable is not a URL or a host, or if the first two have different hosts.
    """
    explicit, domain = _explicit_url(environ), _custom_domain(environ)
    if explicit:
        _check_host(explicit, domain, debug=debug)
        return explicit
    if debug:
        return "/static/"
    if domain or cdn_domain:
        return f"https://{domain or cdn_domain}/static/"
    return f"{_bucket_url(environ)}/static/" if _bucket_name(environ) else "/static/"


def _bucket_name(environ: Mapping[str, str]) -> str:
    return environ.get("AWS_STORAGE_BUCKET_NAME", "").strip()


def _region(environ: Mapping[str, str]) -> str | None:
    names = ("AWS_S3_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")
    return next((environ[name] for name in names if environ.get(name)), None)


def _endpoint(environ: Mapping[str, str]) -> str | None:
    value = environ.get("AWS_S3_ENDPOINT_URL", "").strip().rstrip("/")
    if value and not _is_url(value):
        raise SettingsError(
            f"AWS_S3_ENDPOINT_URL is {value!r}, which is not a URL. Write it with its scheme, such as "
            "https://s3.example.com, or leave it out for Amazon's S3."
        )
    return value or None


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


def _custom_domain(environ: Mapping[str, str]) -> str:
    value = environ.get("AWS_S3_CUSTOM_DOMAIN", "").strip()
    domain = value.removeprefix("https://").rstrip("/")
    if domain and not _HOST.fullmatch(domain):
        raise SettingsError(
            f"AWS_S3_CUSTOM_DOMAIN is {value!r}, which is not a host name. Write the host alone, such as "
            "static.example.com; for a URL with a path, use STATIC_URL instead."
        )
    return domain


def _explicit_url(environ: Mapping[str, str]) -> str:
    value = environ.get("STATIC_URL", "").strip()
    if not value:
        return ""
    if not _is_url(value) and (not value.startswith("/") or value.startswith("//")):
        raise SettingsError(
            f"STATIC_URL is {value!r}, which is not a URL. Write it with its scheme, such as "
            "https://static.example.com/static/, or as a path on this site, such as /static/."
        )
    return value.rstrip("/") + "/"


def _check_host(url: str, domain: str, *, debug: bool) -> None:
    host = urlsplit(url).netloc
    in_development = debug and not host
    if domain and not in_development and host.lower() != domain.lower():
        raise SettingsError(
            f"STATIC_URL is {url!r}, which is not on the host in AWS_S3_CUSTOM_DOMAIN, {domain!r}. Pages would link to "
            "STATIC_URL. Set only one of the two."
        )


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    plain = not parts.query and not parts.fragment and not any(letter.isspace() for letter in text)
    return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(parts.netloc)) and plain
