"""Explain references that the stage cannot resolve, and find those that still lead to originals after hashing."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.contrib.staticfiles.utils import matches_patterns
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File

from release_static.errors import ReleaseStaticError
from release_static.staging import originals

if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object


class StageError(ReleaseStaticError):
    """The static files cannot be hashed as they are."""


class DanglingReference(ValueError):
    """A file refers to `target`, which does not exist. (Django and its subclasses expect a ValueError here.)"""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target} is not among the static files")
        self.target = target


class ReferencesMixin(Base):
    """A mixin for `ManifestFilesMixin` storages. `warnings` are messages to show to the user.

    Option: `references`, "warn" or "error", for references that still lead to an original after hashing.
    """

    def __init__(self, *args: Any, references: str = "warn", **kwargs: Any) -> None:
        self.warnings: list[str] = []
        self._references = references
        self._missing_source_maps: set[str] = set()
        super().__init__(*args, **kwargs)

    def hashed_name(self, name: str, content: File | None = None, filename: str | None = None) -> str:
        try:
            return super().hashed_name(name, content, filename)
        except (ValueError, SuspiciousFileOperation) as error:
            target = unquote(urlsplit(name).path).strip()
            # Only developer tools request source maps, so the reference may stay as it is.
            if not target.endswith(".map") or getattr(self, "sourcemap_strict", False):
                raise DanglingReference(target) from error
        self._missing_source_maps.add(target)
        return name.strip()

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[tuple]:
        dangling: dict[str, None] = {}
        warnings: dict[str, None] = {}
        for name, hashed_name, processed in super().post_process(paths, dry_run=dry_run, **options):
            if isinstance(processed, DanglingReference):
                dangling[self._explain(name, processed.target)] = None
            elif isinstance(processed, Warning):
                warnings[" ".join(str(processed).split())] = None
            elif not isinstance(processed, Exception):
                yield name, hashed_name, processed
            elif not dangling:  # which may have caused it
                raise StageError(self._failure(name, processed, paths)) from processed
        if dangling:
            raise StageError(
                "\n".join(_first(list(dangling), 20)) + "\nCorrect the reference, add the file, or leave out the file "
                "that refers to it: collectstatic -i PATTERN"
            )
        self.warnings += warnings

    def check_references(self) -> None:
        """Warn about references that were not rewritten. With `references` "error", raises StageError for originals."""
        known, unknown, source_maps = [], [], []
        for name, hashed in sorted(self.hashed_files.items()):
            if not name.endswith(originals.EXTENSIONS):
                continue
            with self.open(hashed) as stream:
                content = stream.read()
            found = originals.find(name, content, self.hashed_files, self.base_url)
            if targets := [f"{target} (line {line})" for line, target in found if target]:
                known.append(f"{name}: {', '.join(_first(targets, 3))}")
            # A bundler reports those in its own files, and removes the comments that mark them as intended.
            if lines := [f"line {line}" for line, target in found if not target and name != hashed]:
                unknown.append(f"{name}: {', '.join(_first(lines, 3))}")
            for line, target in originals.source_maps(name, content, self.base_url):
                if target in self._missing_source_maps:
                    source_maps.append(_dangling(name, line, target))
        self.warnings += _first(source_maps, 10)
        if unknown:
            self.warnings.append("\n  ".join([UNKNOWN, *_first(unknown, 10)]))
        if known:
            kept = any(self.exists(name) for name, hashed in self.hashed_files.items() if name != hashed)
            report = "\n  ".join([LEFT.format(REPLACED if kept else LOST), *_first(known, 10)])
            if self._references == "error":
                raise StageError(report)
            self.warnings.append(report)

    def _explain(self, name: str, target: str) -> str:
        """Where this file refers to `target`, as far as it can be found, and what is wrong with the reference."""
        line = None
        with suppress(OSError, ValueError):
            text, matches = self._matches(name)
            # Where its quotes begin. Django 5.2 also follows what is in a comment.
            starts = [match.start("url") - 1 for match, other in matches if other == target]
            if starts := originals.in_code(name, text, starts) + starts:
                line = originals.line_at(text, starts[0])
        return _dangling(name, line, target)

    def _matches(self, name: str) -> tuple[str, list[tuple[re.Match[str], str | None]]]:
        """The text of this file, and the references that the storage finds in it, each with its target."""
        with self.open(name) as stream:
            text = stream.read().decode()
        return text, [
            (match, originals.resolve(match["url"], name, self.base_url))
            for extension, patterns in self._patterns.items()  # type: ignore[attr-defined]
            if matches_patterns(name, [extension])
            for pattern, *_ in patterns
            for match in pattern.finditer(text)
        ]

    def _failure(self, name: str, error: Exception, paths: dict[str, Any]) -> str:
        remedy = "Fix the file, or leave it out: collectstatic -i PATTERN"
        if isinstance(error, UnicodeDecodeError):
            # -enhanced reports the path relative to the finder's folder.
            name = next((other for other in paths if name not in paths and paths[other][1] == name), name)
            line = error.object.count(b"\n", 0, error.start) + 1
            name = f"{name}, line {line},"
        elif isinstance(error, RuntimeError) and "passes exceeded" in str(error):
            names = name.split(", ")
            name = ", ".join(_first(names, 5))
            remedy = (
                f"{self._circle(names)}\nEnhancedManifestStaticFilesStorage of django-manifeststaticfiles-enhanced can "
                'hash such files: name it in STORAGES["staticfiles"]["OPTIONS"]["stage"]; or leave them out: '
                "collectstatic -i PATTERN"
            )
        return f"{name} cannot be processed: {error}\n{remedy}"

    def _circle(self, names: list[str]) -> str:
        graph = {name: [target for _, target in self._matches(name)[1]] for name in names}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return f"They refer to each other in a circle: {' -> '.join(_first(error.args[1][::-1], 5))}."
        return "They refer to each other in a chain that is too long for Django's storage."


LEFT = (
    "These files load others under their original names. {} Pass the URL from {{% static %}} to the script, for example "
    "in a data attribute:"
)
REPLACED = "Another release may replace those, and pages of this release would then load the wrong version."
LOST = "This stage does not publish originals, so browsers get a 404."
UNKNOWN = (
    "These files import() a module whose name is computed. If it is a static file, pass its URL from {% static %} to "
    "the script, and silence this warning with the comment /* @vite-ignore */ inside the parentheses:"
)


def _first(items: Sequence[str], limit: int) -> list[str]:
    rest = len(items) - limit
    return [*items[:limit], f"... and {rest} more"] if rest > 0 else [*items]


def _dangling(name: str, line: int | None, target: str) -> str:
    place = name if line is None else f"{name}, line {line},"
    shown = target if len(target) <= 100 else f"{target[:100]}..."
    return f"{place} refers to {' '.join(shown.split(chr(10)))}, which is not among the static files."
