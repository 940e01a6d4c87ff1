"""What can be read from the name of a published file."""

import os
import re

# Suffixes that a compressor appends to the name of a file, for the compressed copy beside it.
COMPRESSED = (".gz", ".br", ".zst")
# The suffix that a bundler appends for the source map.
SOURCE_MAP = ".map"
_HASHED = re.compile(r".+\.(?P<hash>[0-9a-f]{12})(\.[^./]*)?")


def hash_in(name: str) -> str:
    """The hash that Django inserted into this name, or ""."""
    match = _HASHED.fullmatch(name)
    return match["hash"] if match else ""


def is_inside(name: str) -> bool:
    """Whether this is a path inside the destination. Names in a manifest are untrusted."""
    return not name.startswith("/") and "/../" not in f"/{name}"


def problem_with(name: str) -> str:
    """Why no URL can lead to a file with this name, or ""."""
    if os.sep == "/" and "\\" in name:
        return "contains a backslash, which browsers treat as a slash"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8, as URLs and S3 require"
    return ""


def sibling_of(name: str) -> str:
    """If this file is a compressed copy or a bundler's source map, the name of the file it belongs to, or ""."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot + extension in (*COMPRESSED, SOURCE_MAP) else ""
