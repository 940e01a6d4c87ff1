"""Shortcuts for storages that search CSS and JavaScript for references. What they find stays the same."""

import re
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object

# Every reference that -enhanced finds in a script has one of these in it. They begin with a word, because re finds a
# literal prefix fast.
_IN_SCRIPTS = [
    re.compile(r"""from\s*["'][./]"""),
    re.compile(r"""import\s*\(?["'][./]"""),
    re.compile(r"sourceMappingURL="),
]


class SearchMixin(Base):
    """Over a `ManifestFilesMixin` storage. A name that the storage does not have in its version is never called."""

    # -enhanced hashes files in threads, which takes longer where nothing is copied.
    post_process_workers = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ignored: tuple[Any, Any, list[tuple[int, int]]] = (None, None, [])
        super().__init__(*args, **kwargs)

    def _process_js_modules(self, name: str, content: str) -> list[tuple]:
        """-enhanced's search in a script. Its patterns take most of the time of a publication, and most scripts need none."""
        if not any(pattern.search(content) for pattern in _IN_SCRIPTS):
            return []
        return super()._process_js_modules(name, content)  # type: ignore[misc]

    def get_ignored_blocks(self, content: str, ignored_re: re.Pattern[str]) -> list[tuple[int, int]]:
        """The comments and strings in a file. Django and -enhanced look for them again for each of their patterns."""
        before, pattern, blocks = self._ignored
        if before is not content or pattern is not ignored_re:
            blocks = super().get_ignored_blocks(content, ignored_re)
            self._ignored = (content, ignored_re, blocks)
        return blocks
