"""A web process, as far as static files go: python -m compare_static.process

It starts once. Then it answers each line on stdin with a line of JSON on stdout: its storage, and for every static file
the URL that its pages hold, or null where {% static %} fails.
"""

import json
import sys

import django
from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage, storages


def _url(storage: Storage, name: str) -> str | None:
    try:
        return storage.url(name)
    except ValueError:  # it is not in the manifest
        return None


def main() -> None:
    django.setup()
    storage = storages[STATICFILES_STORAGE_ALIAS]
    ignored = apps.get_app_config("staticfiles").ignore_patterns  # type: ignore[attr-defined]
    names = sorted({name for finder in get_finders() for name, _ in finder.list(ignored)})
    for _ in sys.stdin:
        answer = {"storage": type(storage).__name__, "urls": {name: _url(storage, name) for name in names}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
