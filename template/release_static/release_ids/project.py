"""The project directory: where the REVISION file is, and where git runs."""

import os
import sys
from pathlib import Path

from django.conf import ENVIRONMENT_VARIABLE, settings


def project_directory() -> Path:
    """`settings.BASE_DIR`, or the directory that holds manage.py in a project that does not set it.

    That is the nearest one above the settings module. Without any manage.py there, it is the directory that the settings
    are imported from. How this process was started makes no difference, so collectstatic and a web server agree.
    """
    base_dir = getattr(settings, "BASE_DIR", None)
    if base_dir and isinstance(base_dir, str | os.PathLike):
        return Path(base_dir)
    name = os.environ.get(ENVIRONMENT_VARIABLE, "")
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # settings.configure()
        return Path.cwd()
    for directory in Path(file).parents:
        if (directory / "manage.py").is_file():
            return directory
    return Path(file).parents[name.count(".") + (Path(file).name == "__init__.py")]
