"""Make storages find references in CSS and JavaScript faster, with the same result."""

import re
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

if TYPE_CHECKING:
    Base = ManifestStaticFilesStorage
else:
    Base = object

# Every reference that -enhanced finds in a script contains one of these. They begin with a word, because re is fast at
# finding a literal prefix.
_IN_SCRIPTS = [
    re.compile(r"""from\s*["'][./]"""),
    re.compile(r"""import\s*\(?["'][./]"""),
    re.compile(r"sourceMappingURL="),
]


class SearchMixin(Base):
    """A mixin for `ManifestFilesMixin` storages. Methods that the storage does not have are never called."""

    # -enhanced hashes files in threads, which is slower when nothing is copied.
    post_process_workers = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ignored: tuple[Any, Any, list[tuple[int, int]]] = (None, None, [])
        super().__init__(*args, **kwargs)

    def _process_js_modules(self, name: str, content: str) -> list[tuple]:
        """-enhanced's search in a script. Its patterns take most of the time, and most scripts have no references."""
        if not any(pattern.search(content) for pattern in _IN_SCRIPTS):
            return []
        return super()._process_js_modules(name, content)  # type: ignore[misc]

    def get_ignored_blocks(self, content: str, ignored_re: re.Pattern[str]) -> list[tuple[int, int]]:
        """The comments and strings in a file. Django and -enhanced search for them again for each of their patterns."""
        before, pattern, blocks = self._ignored
        if before is not content or pattern is not ignored_re:
            blocks = super().get_ignored_blocks(content, ignored_re)
            self._ignored = (content, ignored_re, blocks)
        return blocks
