"""The project directory: where the REVISION file is, and where git runs."""

from pathlib import Path

import release_static


def project_directory() -> Path:
    """The nearest directory above this package that contains manage.py, or else the directory that the package is in.

    It does not depend on settings or on how the process was started, so collectstatic and web servers agree.
    """
    directory = Path(release_static.__file__).absolute().parent.parent
    return next((above for above in (directory, *directory.parents) if (above / "manage.py").is_file()), directory)
