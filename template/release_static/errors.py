class ReleaseStaticError(Exception):
    """A mistake that a person can fix. The text says what is wrong, where we looked and what to do."""


def describe(error: OSError) -> str:
    """What the system says, and about which file: for an operation on two files, such as a rename, the target."""
    name = error.filename2 or error.filename
    return f"{error.strerror or error}{f' ({name})' if name else ''}"
