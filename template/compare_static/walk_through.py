"""Two releases of this project, in a scratch folder: published, served and rolled back, in one configuration at a time."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from compare_static.observations import Moment, Observation, Reading, changes
from compare_static.stores import Store
from release_static.errors import ReleaseStaticError

OLD, NEW = "release-1", "release-2"
# The file that the releases differ in, and its place in the project.
EXAMPLE = "example.txt"
SOURCE = f"static/{EXAMPLE}"

# Beside manage.py: what the project's processes write, and what would name the release.
_WRITTEN = {"public", "media", "REVISION", "staticfiles.json"}
_NOT_CODE = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite3")


class WalkThroughError(ReleaseStaticError):
    """The walk-through could not be finished."""


@dataclass(frozen=True)
class Target:
    """One configuration: its name, the store that it publishes to, and the environment of its processes.

    `resolution` is the time, in seconds, within which two writes of a file look like one.
    """

    config: str
    store: Store
    environ: Mapping[str, str]
    resolution: float = 0


@dataclass(frozen=True)
class Release:
    """The code of a release and what its example.txt says."""

    id: str
    code: Path
    text: bytes


def releases(project: Path, scratch: Path) -> tuple[Release, Release]:
    """The project as it is, and with a line more in its example.txt, both copied to `scratch`."""
    if not (project / SOURCE).is_file():
        raise WalkThroughError(
            f"There is no {project / SOURCE}, and it is the file that the two releases differ in. Put one there, with "
            "any text, and run compare_static again."
        )
    made = []
    for release_id in (OLD, NEW):
        code = scratch / release_id
        shutil.copytree(project, code, symlinks=True, ignore=lambda folder, names: _ignored(project, folder, names))
        if release_id == NEW:
            with open(code / SOURCE, "ab") as example:
                example.write(b"A line more.\n")
            # Changed after the old release was published, as far as Django can tell: it compares times.
            os.utime(code / SOURCE, (time.time() + 3600,) * 2)
        made.append(Release(release_id, code, (code / SOURCE).read_bytes()))
    return made[0], made[1]


def observe(target: Target, old: Release, new: Release) -> Observation:
    """Deploy `old`, then `new` beside it, then `old` again. Raises WalkThroughError if a process of them fails."""
    walk = _Walk(target, old, new)
    with ExitStack() as running:

        def start(release: Release) -> _Process:
            return running.enter_context(_process(target, release))

        walk.publish(old)
        before = target.store.files()
        first = start(old)
        storage, urls = first.storage(), first.urls()
        contents = _fetch_all(urls)
        moments = [walk.moment(first, None)]

        time.sleep(target.resolution)
        walk.publish(new)
        moments.append(walk.moment(first, None))

        second = start(new)
        moments.append(walk.moment(start(old), second))
        moments.append(walk.moment(start(old), second))

        after = target.store.files()
        contents_now = _fetch_all(urls)
    return Observation(
        config=target.config,
        storage=storage,
        moments=moments,
        changes=changes(before, after),
        survivors=[name for name in walk.examples() if target.store.read(name) == old.text],
        manifests=walk.manifests(),
        urls=len(urls),
        missing=[name for name in urls if contents_now[name][0] == 404],
        different=[name for name in urls if contents_now[name] != contents[name] and contents_now[name][0] == 200],
    )


class _Walk:
    def __init__(self, target: Target, old: Release, new: Release) -> None:
        self._target = target
        self._releases = (old, new)

    def publish(self, release: Release) -> None:
        command = [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity=0"]
        done = subprocess.run(
            command, cwd=release.code, env=_environ(self._target, release), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise _failed(self._target, "collectstatic", done.stderr)

    def moment(self, old: "_Process", new: "_Process | None") -> Moment:
        examples = [self._target.store.read(name) for name in self.examples()]
        paths = [json.loads(self._target.store.read(name))["paths"] for name in self.manifests()]
        listed = [self._target.store.read(names[EXAMPLE]) for names in paths]
        return Moment(
            old=self._reading(old),
            new=self._reading(new) if new else None,
            files=[release.id for release in self._releases if release.text in examples],
            manifests=[release.id for release in self._releases if release.text in listed],
        )

    def examples(self) -> list[str]:
        """Names of the file that the releases differ in, hashed and not."""
        stem, _, extension = EXAMPLE.partition(".")
        names = self._target.store.files()
        return sorted(name for name in names if name.startswith(f"{stem}.") and name.endswith(f".{extension}"))

    def manifests(self) -> list[str]:
        return sorted(name for name in self._target.store.files() if name.rpartition("/")[2] == "staticfiles.json")

    def _reading(self, process: "_Process") -> Reading:
        link = process.urls().get(EXAMPLE)
        status, content = _fetch(link) if link else (500, b"")
        behind = next((release.id for release in self._releases if release.text == content), None)
        return Reading(process.release.id, link and link.rpartition("/")[2], status, behind)


class _Process:
    """A running process.py."""

    def __init__(self, release: Release, target: Target, errors: Any) -> None:
        self.release = release
        self._target = target
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-m", "compare_static.process"],
            cwd=release.code,
            env=_environ(target, release),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def storage(self) -> str:
        return self._ask()["storage"]

    def urls(self) -> dict[str, str]:
        """What {% static %} gives for each file, without those for which it fails."""
        return {name: url for name, url in self._ask()["urls"].items() if url is not None}

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        answer = ""
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            pass
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            raise _failed(self._target, f"a process of {self.release.id}", self._errors.read())
        return json.loads(answer)


@contextmanager
def _process(target: Target, release: Release) -> Iterator[_Process]:
    with tempfile.TemporaryFile("w+") as errors:
        process = _Process(release, target, errors)
        try:
            yield process
        finally:
            process.stop()


def _ignored(project: Path, folder: str, names: list[str]) -> set[str]:
    ignored = set(_NOT_CODE(folder, names))
    return ignored | _WRITTEN.intersection(names) if Path(folder) == project else ignored


def _environ(target: Target, release: Release) -> dict[str, str]:
    own = {"STATIC_CONFIG": target.config, "RELEASE_ID": release.id, "DJANGO_DEBUG": "", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **target.environ, **own}


def _failed(target: Target, what: str, errors: str) -> WalkThroughError:
    said = "\n".join(f"  {line}" for line in errors.strip().splitlines()[-8:])
    return WalkThroughError(
        f"With STATIC_CONFIG={target.config}, {what} failed in a copy of this project:\n{said}\nMend that, and see that "
        f"this works here: STATIC_CONFIG={target.config} python manage.py collectstatic --dry-run --noinput"
    )


def _fetch(url: str) -> tuple[int, bytes]:
    try:
        with urlopen(url, timeout=30) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, b""
    except URLError as error:
        raise WalkThroughError(f"{url} could not be fetched: {error.reason}. Mend that, or STATIC_URL.") from error


def _fetch_all(urls: dict[str, str]) -> dict[str, tuple[int, bytes]]:
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(urls, pool.map(_fetch, urls.values()), strict=True))
