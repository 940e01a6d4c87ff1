"""References between static files: what Django cannot resolve is explained, and a missing source map is forgiven."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File

from release_static.errors import ReleaseStaticError

if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object


class StageError(ReleaseStaticError):
    """The static files cannot be hashed as they are."""


class DanglingReference(ValueError):
    """A file refers to `target`, which is not there. (ValueError is what Django and its subclasses expect here.)"""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target} is not among the static files")
        self.target = target


class ReferencesMixin(Base):
    """Over a `ManifestFilesMixin` storage. `warnings` are for the person who publishes, one sentence each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.warnings: list[str] = []
        self._being_processed = ""
        self._missing_source_maps: set[str] = set()
        super().__init__(*args, **kwargs)

    def hashed_name(self, name: str, content: File | None = None, filename: str | None = None) -> str:
        if content is not None:
            self._being_processed = name
        try:
            return super().hashed_name(name, content, filename)
        except (ValueError, SuspiciousFileOperation) as error:
            target = unquote(urlsplit(name).path).strip()
            if not target.endswith(".map"):
                raise DanglingReference(target) from error
        # Only developer tools ask for a source map, so the reference may stay as it is.
        if target not in self._missing_source_maps:
            self._missing_source_maps.add(target)
            self.warnings.append(self._explain(self._being_processed, target))
        return name.strip()

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[tuple]:
        dangling: dict[str, None] = {}
        for name, hashed_name, processed in super().post_process(paths, dry_run=dry_run, **options):
            if isinstance(processed, DanglingReference):
                dangling[self._explain(name, processed.target)] = None
            elif isinstance(processed, Warning):
                self.warnings.append(str(processed))
            elif isinstance(processed, Exception):
                raise StageError(
                    f"{name} cannot be processed: {processed}\nFix the file, or leave it out: collectstatic -i PATTERN"
                ) from processed
            else:
                yield name, hashed_name, processed
        if dangling:
            raise StageError(
                "\n".join(dangling) + "\nCorrect the reference, add the file, or leave out the file that refers to it: "
                "collectstatic -i PATTERN"
            )

    def _explain(self, name: str, target: str) -> str:
        """`name`, with the line of its first reference to `target` if it can be found, and what is wrong with it."""
        wanted = {part := target.rstrip("/").rpartition("/")[2], quote(part)}
        line = ""
        with suppress(OSError, ValueError), self.open(name) as content:
            for number, text in enumerate(content.read().decode().splitlines(), 1):
                if any(part in text for part in wanted):
                    line = f", line {number},"
                    break
        return f"{name}{line} refers to {target}, which is not among the static files."
