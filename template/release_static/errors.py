class ReleaseStaticError(Exception):
    """A mistake that a person can mend. The text says what is wrong, where we looked and what to do."""


def describe(error: OSError) -> str:
    """What the system says, and of which file: of two, such as those of a rename, the one that was to be there."""
    name = error.filename2 or error.filename
    return f"{error.strerror or error}{f' ({name})' if name else ''}"
