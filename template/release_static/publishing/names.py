"""What the name of a published file tells."""

import os
import re

# What a compressor appends to the name of a file, for the compressed copy beside it.
COMPRESSED = (".gz", ".br", ".zst")
# What a bundler appends to it, for the source map.
SOURCE_MAP = ".map"
_HASHED = re.compile(r".+\.(?P<hash>[0-9a-f]{12})(\.[^./]*)?")


def hash_in(name: str) -> str:
    """The hash that Django put into this name, or ""."""
    match = _HASHED.fullmatch(name)
    return match["hash"] if match else ""


def is_inside(name: str) -> bool:
    """Whether this is the path of a file below its destination: anyone may have written a manifest."""
    return not name.startswith("/") and "/../" not in f"/{name}"


def problem_with(name: str) -> str:
    """Why no URL can lead to a file of this name, "" if one can."""
    if os.sep == "/" and "\\" in name:
        return "has a backslash, which browsers take for a slash"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8, as URLs and S3 require"
    return ""


def sibling_of(name: str) -> str:
    """The name of the file that this one is a compressed copy or a bundler's source map of, or ""."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot + extension in (*COMPRESSED, SOURCE_MAP) else ""
