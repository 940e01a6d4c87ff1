class ReleaseStaticError(Exception):
    """A mistake that a person can fix. The text says what is wrong, where we looked and what to do."""


def describe(error: OSError) -> str:
    """What the system says, and about which file: for an operation on two files, such as a rename, the target."""
    name = error.filename2 or error.filename
    return f"{error.strerror or error}{f' ({name})' if name else ''}"


def printable(text: str, encoding: str | None = None) -> str:
    """A line of text with each character escaped that is not printable, or not in this encoding, such as `\\x1b`.

    The content of a destination is not ours: a name in it must not be able to control a terminal.
    """
    encoding = encoding or "utf-8"
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)
