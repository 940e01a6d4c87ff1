class ReleaseStaticError(Exception):
    """An error that the user can fix. The message says what is wrong, where we looked and what to do."""


def describe(error: OSError) -> str:
    """The system's error message and the file it is about: the target, for an operation such as a rename."""
    name = error.filename2 or error.filename
    return f"{error.strerror or error}{f' ({name})' if name else ''}"


def printable(text: str, encoding: str | None = None) -> str:
    """A line of text in which characters that are not printable, or not in this encoding, are escaped, as in `\\x1b`.

    Names at a destination are untrusted: they must not be able to control a terminal.
    """
    encoding = encoding or "utf-8"
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)
