class ReleaseStaticError(Exception):
    """A mistake that a person can mend. The text says what is wrong, where we looked and what to do."""
