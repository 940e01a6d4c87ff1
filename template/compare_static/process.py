"""The part of a web process that concerns static files: python -m compare_static.process

For each line on stdin it prints a line of JSON: its storage, and for every static file the URL in its pages, or null if
{% static %} fails.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import django
from django.apps import apps
from django.conf import STATICFILES_STORAGE_ALIAS
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage, storages

from compare_static.releases import Release
from compare_static.targets import Target, failed


@dataclass(frozen=True)
class Process:
    """A running web process of a release. All methods raise ReleaseStaticError if it has exited."""

    release: Release
    target: Target
    popen: subprocess.Popen[str]
    errors: IO[str]

    def storage(self) -> str:
        return self._ask()["storage"]

    def urls(self) -> dict[str, str]:
        """The URL of every static file, by name, except those for which {% static %} fails."""
        return {name: url for name, url in self._ask()["urls"].items() if url is not None}

    def _ask(self) -> dict[str, Any]:
        assert self.popen.stdin and self.popen.stdout
        with suppress(BrokenPipeError):
            print(file=self.popen.stdin, flush=True)
        answer = self.popen.stdout.readline()
        if not answer:
            self.errors.seek(0)
            raise failed(self.target, f"a web process of {self.release.id}", self.errors.read())
        return json.loads(answer)


@contextmanager
def running(release: Release, target: Target) -> Iterator[Process]:
    with tempfile.TemporaryFile("w+") as errors:
        popen = subprocess.Popen(
            [sys.executable, "-m", "compare_static.process"],
            cwd=release.code,
            env=target.environ(release),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Process(release, target, popen, errors)
        finally:
            popen.kill()
            popen.communicate()


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
