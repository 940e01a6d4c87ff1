"""The headers that an object is served with. They do not depend on the uploading machine."""

import mimetypes
from collections.abc import Mapping
from typing import Any

from release_static.manifest import RELEASES

FOREVER = "public, max-age=31536000, immutable"
# Originals are overwritten in place.
SHORTLY = "public, max-age=60"
NEVER = "no-store"

# Types that are missing or different in some versions of Python. Source: the IANA registry of media types.
_TYPES = {
    ".avif": "image/avif",
    ".cjs": "text/javascript",
    ".eot": "application/vnd.ms-fontobject",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
# Parameters of PutObject that encrypt an object. A bucket policy may require them for all objects.
_ENCRYPTION = {"BucketKeyEnabled", "SSEKMSEncryptionContext", "SSEKMSKeyId", "ServerSideEncryption"}
_TEXT = {"application/json", "application/manifest+json", "application/xml", "image/svg+xml"}

# Python's own table, without the types from this machine's files and registry.
_table = mimetypes.MimeTypes()
for _extension, _type in _TYPES.items():
    _table.add_type(_type, _extension)


def content_type(name: str) -> str:
    media_type, encoding = _table.guess_type(f"/{name}")
    if media_type is None or encoding:
        return "application/octet-stream"
    if media_type.startswith("text/") or media_type in _TEXT:
        return f"{media_type}; charset=utf-8"
    return media_type


def of(name: str, parameters: Mapping[str, Any], *, hashed: bool = False) -> dict[str, Any]:
    """The parameters of PutObject for a file with this name.

    They include `parameters`. A file in `.releases/` is private, so it gets only those for encryption.
    """
    private = name.startswith(f"{RELEASES}/")
    lifetime = NEVER if private else FOREVER if hashed else SHORTLY
    others = {key: value for key, value in parameters.items() if not private or key in _ENCRYPTION}
    return others | {"ContentType": content_type(name), "CacheControl": lifetime}
