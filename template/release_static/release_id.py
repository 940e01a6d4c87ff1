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


@dataclass(frozen=True)
class Answer:
    """What a source gave: an id as it stands there, not yet validated, or a problem, or neither: it says nothing."""

    source: str
    value: str | None = None
    problem: str | None = None

    @property
    def silent(self) -> bool:
        return self.value is None and self.problem is None


def validate(value: str, source: str) -> ReleaseId:
    """The id as it stands in `source`, or a ReleaseIdError: an id is a path segment and names one build."""
    if not _SHAPE.fullmatch(value) or value.lower() in _PLACEHOLDERS:
        raise ReleaseIdError(
            f"{value[:140]!r}, from {source}, is no release id. An id has 1 to 128 letters, digits, dots, dashes and "
            "underscores, begins with a letter or digit, and is neither 'unknown' nor 'HEAD': a commit hash, say, or a "
            "build number."
        )
    return ReleaseId(value, source)


def sources(option: str | None, strategy: str | None = None) -> list[Source]:
    """The places where the id may stand, in the order in which they are asked.

    `option` and `strategy` are `release_id` and `release_id_strategy` in the storage's OPTIONS; the latter is the dotted
    path of a function without arguments that returns the id or raises ReleaseIdError.
    """
    revision = Path(settings.BASE_DIR) / FILE
    stated = [
        Source("the storage's option release_id", lambda: option),
        Source(f"the variable {VARIABLE}", lambda: os.environ.get(VARIABLE)),
        Source(f"the file {revision}", lambda: _read(revision)),
    ]
    return [*stated, Source(f"the strategy {strategy}", lambda: _call(strategy))] if strategy else stated


def ask(option: str | None, strategy: str | None = None) -> list[Answer]:
    """What each source gave, up to the first that is not silent. That one decides, even by a problem."""
    answers: list[Answer] = []
    for source in sources(option, strategy):
        try:
            answers.append(Answer(source.name, value=source.read()))
        except ReleaseIdError as error:
            answers.append(Answer(source.name, problem=str(error)))
        if not answers[-1].silent:
            break
    return answers


def stated(option: str | None) -> ReleaseId | None:
    """The id that is stated outright, if any. Raises ReleaseIdError if it cannot be read or is not a valid one."""
    answer = ask(option)[-1]
    if answer.problem is not None:
        raise ReleaseIdError(f"{answer.source}: {answer.problem}.")
    return None if answer.value is None else validate(answer.value, answer.source)


def resolve(option: str | None, strategy: str | None) -> ReleaseId:
    """The id of this release. Raises ReleaseIdError, with every place that was asked, where there is none."""
    answers = ask(option, strategy)
    if answers[-1].value is not None:
        return validate(answers[-1].value, answers[-1].source)
    asked = "\n".join(f"  - {answer.source}: {answer.problem or 'not there'}" for answer in answers)
    raise ReleaseIdError(
        f"This release has no id. Asked in this order:\n{asked}\n"
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
            f"it cannot be read ({error.strerror}), and it would name this release. Mend {path} or remove it"
        ) from error


def _call(strategy: str) -> str:
    try:
        value = import_string(strategy)()
    except ReleaseIdError:
        raise
    except ImportError as error:
        raise ReleaseIdError(
            f"it cannot be imported ({error}). RELEASE_ID_STRATEGY takes the dotted path of a function"
        ) from error
    except Exception as error:  # a team's own function may raise anything
        raise ReleaseIdError(f"it failed with {type(error).__name__}: {error}") from error
    if not isinstance(value, str):
        raise ReleaseIdError(f"it returned {value!r} instead of a string")
    return value.strip()
