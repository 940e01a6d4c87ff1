"""The id of this release: where it can be set, in order, and which ids are valid."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.utils.module_loading import import_string

from release_static.errors import ReleaseStaticError
from release_static.release_ids.project import project_directory

VARIABLE = "RELEASE_ID"
FILE = "REVISION"
REMEDY = (
    f"Set {VARIABLE} to a name for this build, such as the commit, both where collectstatic runs and where the site is "
    "served."
)

# For release ids and for the names of environments.
SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# Placeholders that tools print when they do not know the commit. All releases would get the same id.
_PLACEHOLDERS = {"unknown", "head"}

# A place where the id can be set: its name, what to print if it is not, and a function that returns the id or None.
_Place = tuple[str, str, Callable[[], str | None]]


class ReleaseIdError(ReleaseStaticError):
    """This release has no id, or not a valid one."""


@dataclass(frozen=True)
class ReleaseId:
    value: str
    source: str

    def __str__(self) -> str:
        return self.value


def resolve(option: str | None, strategy: str | None) -> ReleaseId:
    """The id of this release. If there is none, raises ReleaseIdError, which lists every place that was checked.

    `option` and `strategy` are `release_id` and `release_id_strategy` in the storage's OPTIONS. A strategy is the dotted
    path of a function without arguments that returns the id or raises ReleaseIdError.
    """
    lines, found = explain(option, strategy)
    if found is None:
        places = "\n".join(f"  - {line}" for line in lines)
        raise ReleaseIdError(f"This release has no valid id. Checked in this order:\n{places}\n{REMEDY}")
    return found


def explain(option: str | None, strategy: str | None) -> tuple[list[str], ReleaseId | None]:
    """A line for each place with its value, and the id if there is one.

    The first place that is set wins, even if its value is an error. The places after it are not checked.
    """
    lines, found = [], None
    places = iter(_places(option, strategy))
    for name, absence, read in places:
        try:
            found = _ask(name, read)
        except ReleaseIdError as error:
            lines.append(str(error))
            break
        lines.append(f"{name}: {found}  <- this is the id" if found else f"{name}: {absence}")
        if found:
            break
    lines += [f"{name}: not checked" for name, *_ in places]
    return lines, found


def stated(option: str | None) -> ReleaseId | None:
    """The id, if it is set without a strategy. Raises ReleaseIdError if it is invalid or cannot be read."""
    for name, _, read in _places(option, None):
        if found := _ask(name, read):
            return found
    return None


def validate(value: str) -> str:
    """The value, if it is a valid id: one path segment that identifies a build. Otherwise raises ReleaseIdError."""
    if not isinstance(value, str) or not SHAPE.fullmatch(value) or value.lower() in _PLACEHOLDERS:
        shown = "an empty string" if value == "" else f"{value!r:.140}"
        raise ReleaseIdError(
            f"{shown} is not a valid release id. An id is 1 to 128 letters, digits, dots, dashes and underscores, "
            "starts with a letter or digit, and is neither 'unknown' nor 'HEAD'. Use a commit hash or a build number."
        )
    return value


def _places(option: str | None, strategy: str | None) -> list[_Place]:
    file = project_directory() / FILE
    places: list[_Place] = [
        ("the storage's option release_id", "not set", lambda: option),
        (f"the variable {VARIABLE}", "not set", lambda: os.environ.get(VARIABLE)),
        (f"the file {file}", "not found", lambda: _read(file)),
    ]
    return [*places, (f"the strategy {strategy}", "", lambda: _call(strategy))] if strategy else places


def _ask(name: str, read: Callable[[], str | None]) -> ReleaseId | None:
    try:
        value = read()
        return None if value is None else ReleaseId(validate(value), name)
    except ReleaseIdError as error:
        raise ReleaseIdError(f"{name}: {error}") from error


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReleaseIdError(f"it cannot be read ({error.strerror}). Fix or remove it.") from error


def _call(strategy: str) -> str:
    try:
        value = import_string(strategy)()
    except ReleaseIdError:
        raise
    except ImportError as error:
        raise ReleaseIdError(
            f"it cannot be imported ({error}). A strategy is the dotted path of a function: check RELEASE_ID_STRATEGY."
        ) from error
    except Exception as error:  # a custom function may raise anything
        raise ReleaseIdError(f"it failed with {type(error).__name__}: {error}") from error
    if not isinstance(value, str):
        raise ReleaseIdError(f"it returned {value!r} instead of a string.")
    return value.strip()
