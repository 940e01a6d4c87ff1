"""Two releases, published, served side by side and rolled back, in one configuration."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

from compare_static.observations import Moment, Observation, Reading, changes
from compare_static.process import Process, running
from compare_static.releases import EXAMPLE, Release
from compare_static.targets import Target, failed
from release_static.errors import ReleaseStaticError


def observe(target: Target, old: Release, new: Release) -> Observation:
    """Deploy `old`, then `new` beside it, then `old` again. Raises ReleaseStaticError if any of this fails."""
    walk = _Walk(target, (old, new))
    with ExitStack() as processes:

        def start(release: Release) -> Process:
            return processes.enter_context(running(release, target))

        walk.publish(old)
        before = target.store.files()
        first = start(old)
        urls = first.urls()
        contents = _fetch_all(urls)
        moments = [walk.moment(first)]

        time.sleep(target.resolution)
        walk.publish(new)
        moments.append(walk.moment(first))

        second = start(new)
        moments.append(walk.moment(start(old), second))
        moments.append(walk.moment(start(old), second))

        storage = first.storage()
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


@dataclass(frozen=True)
class _Walk:
    target: Target
    releases: tuple[Release, Release]

    def publish(self, release: Release) -> None:
        command = [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity=0"]
        done = subprocess.run(
            command, cwd=release.code, env=self.target.environ(release), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise failed(self.target, f"collectstatic of {release.id}", done.stderr)

    def moment(self, old: Process, new: Process | None = None) -> Moment:
        examples = [self.target.store.read(name) for name in self.examples()]
        paths = [json.loads(self.target.store.read(name))["paths"] for name in self.manifests()]
        listed = [self.target.store.read(names[EXAMPLE]) for names in paths]
        return Moment(
            old=self._reading(old),
            new=self._reading(new) if new else None,
            files=[release.id for release in self.releases if release.text in examples],
            manifests=[release.id for release in self.releases if release.text in listed],
        )

    def examples(self) -> list[str]:
        """The existing names, hashed and unhashed, of the file that differs between the releases."""
        stem, dot, extension = EXAMPLE.partition(".")
        names = self.target.store.files()
        return sorted(name for name in names if name.startswith(stem + dot) and name.endswith(dot + extension))

    def manifests(self) -> list[str]:
        return sorted(name for name in self.target.store.files() if name.rpartition("/")[2] == "staticfiles.json")

    def _reading(self, process: Process) -> Reading:
        link = process.urls().get(EXAMPLE)
        status, content = _fetch(link) if link else (500, b"")
        behind = next((release.id for release in self.releases if release.text == content), None)
        return Reading(process.release.id, link and link.rpartition("/")[2], status, behind)


def _fetch(url: str) -> tuple[int, bytes]:
    try:
        with urlopen(url, timeout=30) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, b""
    except OSError as error:
        raise ReleaseStaticError(
            f"{url} could not be fetched: {getattr(error, 'reason', error)}. Check that STATIC_URL is where the files are served from."
        ) from error


def _fetch_all(urls: dict[str, str]) -> dict[str, tuple[int, bytes]]:
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(urls, pool.map(_fetch, urls.values()), strict=True))
