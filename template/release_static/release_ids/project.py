"""The project directory: where the REVISION file is, and where git runs."""

from pathlib import Path

import release_static


def project_directory() -> Path:
    """The directory that holds manage.py: the nearest one above this package, or without any, the one that it is in.

    Neither settings nor how this process was started make a difference, so collectstatic and a web server agree.
    """
    directory = Path(release_static.__file__).absolute().parent.parent
    return next((above for above in (directory, *directory.parents) if (above / "manage.py").is_file()), directory)
