"""The id of this release: the same where its files are published and where they are served."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from release_static.errors import ReleaseStaticError

VARIABLE = "RELEASE_ID"
FILE = "REVISION"

_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# What tools print when they do not know: as an id, all releases would share one manifest.
_PLACEHOLDERS = {"unknown", "head"}


class ReleaseIdError(ReleaseStaticError):
    """There is no id for this release, or it is not a valid one."""


@dataclass(frozen=True)
class ReleaseId:
    value: str
    source: str

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Source:
    """A place where the id may stand. `read` gives it, or None where this place says nothing."""

    name: str
    read: Callable[[], str | None]


def validate(value: str, source: str) -> ReleaseId:
    """The id as it stands in `source`, or a ReleaseIdError: an id is a path segment and names one build."""
    if not _SHAPE.fullmatch(value) or value.lower() in _PLACEHOLDERS:
        raise ReleaseIdError(
            f"{value[:140]!r}, from {source}, is no release id. An id has 1 to 128 letters, digits, dots, dashes and "
            "underscores, begins with a letter or digit, and is neither 'unknown' nor 'HEAD': a commit hash, say, or a "
            "build number."
        )
    return ReleaseId(value, source)


def sources(option: str | None) -> list[Source]:
    """The places where an id is stated outright, in the order in which they are asked.

    `option` is the `release_id` of the storage's OPTIONS.
    """
    revision = Path(settings.BASE_DIR) / FILE
    return [
        Source("the storage's option release_id", lambda: option),
        Source(f"the variable {VARIABLE}", lambda: os.environ.get(VARIABLE)),
        Source(f"the file {revision}", lambda: _read(revision)),
    ]


def stated(option: str | None) -> ReleaseId | None:
    """The id that is stated outright; the first place wins. Raises ReleaseIdError if it is not a valid one."""
    for source in sources(option):
        value = source.read()
        if value is not None:
            return validate(value, source.name)
    return None


def resolve(option: str | None, strategy: str | None) -> ReleaseId:
    """The id of this release: the one that is stated, or what the strategy finds.

    `strategy` is the dotted path of a function without arguments that returns the id or raises ReleaseIdError. Raises
    ReleaseIdError, with every place that was asked, where there is none.
    """
    if release_id := stated(option):
        return release_id
    silent = [f"{source.name}: not there" for source in sources(option)]
    if strategy:
        try:
            return validate(_call(strategy), f"the strategy {strategy}")
        except ReleaseIdError as error:
            silent.append(f"the strategy {strategy}: {error}")
    tried = "\n".join(f"  - {line}" for line in silent)
    raise ReleaseIdError(
        f"This release has no id. Asked in this order:\n{tried}\n"
        f"Set {VARIABLE} to what names this build, such as the commit, both where collectstatic runs and where the "
        "site is served."
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReleaseIdError(
            f"{path} cannot be read ({error.strerror}), and it would name this release. Mend it or remove it."
        ) from error


def _call(strategy: str) -> str:
    try:
        function = import_string(strategy)
    except ImportError as error:
        raise ReleaseIdError(
            f"it cannot be imported ({error}). RELEASE_ID_STRATEGY takes the dotted path of a function."
        ) from error
    value = function()
    if not isinstance(value, str):
        raise ReleaseIdError(f"it returned {value!r} instead of a string")
    return value.strip()
