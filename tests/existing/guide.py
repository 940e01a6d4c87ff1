"""Follow ADOPT.md."""

from pathlib import Path

from tests.existing.layouts import Layout, append
from tests.guide import blocks


class Guide:
    """The code blocks of ADOPT.md."""

    def __init__(self, file: Path) -> None:
        self._blocks = list(blocks(file))

    def _python(self, part: str) -> list[str]:
        return [block.text for block in self._blocks if block.language == "python" and part in block.text]

    def settings(self, *, manifest: bool) -> str:
        with_manifest, without = self._python('"BACKEND": "release_static.')
        return with_manifest if manifest else without

    @property
    def tests(self) -> str:
        [text] = self._python("sys.argv")
        return text

    @property
    def compressor(self) -> str:
        [text] = self._python("COMPRESS_OFFLINE_MANIFEST")
        return text

    def imports(self, file: str) -> tuple[str, str]:
        """The line of wsgi.py or asgi.py to replace, and the one to replace it with."""
        [text] = [block.text for block in self._blocks if block.language == "diff" and block.file == file]
        old, new = text.splitlines()
        return old.removeprefix("-"), new.removeprefix("+")

    def file(self, name: str) -> str:
        """What it says to add to this file."""
        [text] = [block.text for block in self._blocks if block.file == name and block.language != "diff"]
        return text


def follow(folder: Path, layout: Layout) -> None:
    guide = Guide(folder / "release_static" / "ADOPT.md")
    settings = folder / layout.path_of(layout.production)
    append(settings, "\n" + guide.settings(manifest=layout.has_manifest))
    if not layout.development:
        append(settings, "\n" + guide.tests)
    if "compressor" in str(layout.packages):
        append(settings, "\n" + guide.compressor)
    package = folder / layout.path_of(layout.wsgi)
    for file in (package, package.with_name("asgi.py")):
        if file.exists():
            old, new = guide.imports(file.name)
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
    append(package.with_name("urls.py"), "\n" + guide.file("urls.py"))
    with open(folder / ".gitignore", "a") as ignored:
        ignored.write(guide.file(".gitignore"))
