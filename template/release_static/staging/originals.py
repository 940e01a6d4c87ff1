"""References in CSS and JavaScript that still lead to an original after hashing. Another release may replace it."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit

EXTENSIONS = (".css", ".js", ".mjs")


class Reference(NamedTuple):
    """In line `line`, counted from 1. `target` is a name, the beginning of names with "*", or "" if it is unknown."""

    line: int
    target: str


class Candidate(NamedTuple):
    """A possible reference at `start`. After a `prefix` the rest of the URL is computed; if it is "", all of it is."""

    start: int
    url: str
    prefix: bool = False


# These and the patterns for JavaScript begin with a word, because re finds literal prefixes fast. CSS ignores case.
_CSS = [
    re.compile(r"""url\(\s*["']?(?P<url>[^"')\s]+)"""),
    re.compile(r"""@import\s*["'](?P<url>[^"')\s]+)"""),
    re.compile(r"""image-set\(\s*["'](?P<url>[^"')\s]+)"""),
]

# What comes before a quoted URL. The character before the word is checked last.
_JS = {
    "from": re.compile(r"from(?<![\w$.]from)\s*"),
    "import": re.compile(r"import(?<![\w$.]import)(?:\s*\(|\.meta\.resolve\(|)\s*(?:/\*[^*]*\*/\s*)*"),
    "URL(": re.compile(r"URL\(\s*"),
    "Worker(": re.compile(r"Worker\(\s*"),
    "importScripts(": re.compile(r"importScripts\(\s*"),
}
# With the comma after it; or only the beginning of a computed URL: `./${name}.js`, "./" + name.
_QUOTED = re.compile(r"""(?P<quote>["'`])(?P<url>[^"'`\\\n$]+)(?:(?P=quote)\s*(?P<plus>\+)?|(?P<open>\$\{))\s*,?\s*""")
# Neither a method named import nor an import with the comment that tells Vite or webpack that it is intended.
_VARIABLE = re.compile(r"import(?<![\w$.]import)\s*\(\s*(?=[A-Za-z_(]|\$(?!\{))(?P<argument>[^)\n]*+)(?!\)\s*\{)")
_INTENDED = re.compile(r"@vite-ignore|webpackIgnore:\s*true")

_SOURCE_MAP = re.compile(r"sourceMappingURL=(?P<url>[^\s*]+)")

_STRING = r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
_NOT_CODE = {
    "css": re.compile(rf"/\*.*?(?:\*/|\Z)|{_STRING}", re.DOTALL),
    "js": re.compile(
        rf"/\*.*?(?:\*/|\Z)|//[^\n]*|{_STRING}"
        # A template literal, with at most one other inside.
        r"|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|`(?:[^`\\]|\\.)*+`|\{[^{}]*+\})*+\})*+`"
        # A regular expression literal, where a value is expected.
        r"|(?:\A|(?<=[=(,;:!&|?{}\[+\-*%~^<>\n]))[ \t]*/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++/",
        re.DOTALL,
    ),
}


def find(name: str, content: bytes, paths: Mapping[str, str], base_url: str) -> list[Reference]:
    """The references to originals in this file; `paths` maps originals to hashed names.

    Comments, strings and regular expressions are skipped, as far as possible without a parser.
    """
    words = [] if name.endswith(".css") else [word for word in _JS if word.encode() in content]
    if not words and not name.endswith(".css"):
        return []
    text = content.decode(errors="replace")
    candidates = {}
    for candidate in _in_js(text, words) if words else _in_css(text, content):
        target = _original(candidate, name, paths, base_url)
        if target is not None:
            candidates[candidate.start] = target
    return [Reference(line_at(text, start), candidates[start]) for start in in_code(name, text, candidates)]


def source_maps(name: str, content: bytes, base_url: str) -> Iterator[Reference]:
    if b"sourceMappingURL" in content:
        text = content.decode(errors="replace")
        for match in _SOURCE_MAP.finditer(text):
            yield Reference(line_at(text, match.start()), resolve(match["url"], name, base_url) or "")


def resolve(url: str, name: str, base_url: str) -> str | None:
    """The static file that a URL in the file `name` refers to, as Django resolves it, or None."""
    try:
        path = unquote(urldefrag(url).url)
        if path.startswith(base_url):
            path = path.removeprefix(base_url)
        elif path.startswith("/") or re.match(r"[a-z][a-z0-9+.-]*:", path, re.IGNORECASE):
            return None
        else:
            path = posixpath.join(posixpath.dirname(name), path)
        return urlsplit(posixpath.normpath(path)).path.strip()
    except ValueError:  # not a URL
        return None


def in_code(name: str, text: str, starts: Iterable[int]) -> list[int]:
    """The positions that are not in a comment, a string or a regular expression, in order."""
    waiting, outside = sorted(starts, reverse=True), []
    for match in _NOT_CODE["css" if name.endswith(".css") else "js"].finditer(text) if waiting else ():
        while waiting and waiting[-1] <= match.start():
            outside.append(waiting.pop())
        while waiting and waiting[-1] < match.end():
            waiting.pop()
        if not waiting:
            break
    return outside + waiting[::-1]


def line_at(text: str, start: int) -> int:
    return text.count("\n", 0, start) + 1


def _in_css(text: str, content: bytes) -> Iterator[Candidate]:
    lowered = content.lower().decode(errors="replace")  # as long as `text`: bytes.lower() changes only ASCII
    for pattern in _CSS:
        for match in pattern.finditer(lowered):
            start, end = match.span("url")
            yield Candidate(match.start(), text[start:end])


def _in_js(text: str, words: Iterable[str]) -> Iterator[Candidate]:
    for word in words:
        for start in _JS[word].finditer(text):
            end = start.end()
            while quoted := _QUOTED.match(text, end):
                url, end = quoted["url"], quoted.end()
                if word == "URL(" and "import.meta.url" not in text[end : end + 80]:
                    break
                # Other imports are resolved by the page's import map.
                if word not in ("from", "import") or url.startswith((".", "/", "http")):
                    computed = quoted["plus"] or quoted["open"]
                    yield Candidate(quoted.start(), url, prefix=bool(computed) and "?" not in url)
    if "import" in words:
        for match in _VARIABLE.finditer(text):
            if not _INTENDED.search(match["argument"]):
                yield Candidate(match.start(), "")


def _original(candidate: Candidate, name: str, paths: Mapping[str, str], base_url: str) -> str | None:
    """The original that the candidate in the file `name` refers to, or None."""
    if not candidate.url:
        return ""
    if not candidate.prefix:
        target = resolve(candidate.url, name, base_url)
        # A bundler's file, published under its own name, is immutable too.
        return target if target is not None and paths.get(target, target) != target else None
    beginning = (resolve(candidate.url + "*", name, base_url) or "")[:-1]
    reached = beginning and any(path.startswith(beginning) and path != hashed for path, hashed in paths.items())
    return f"{beginning}*" if reached else None
