"""What a browser and 500 visitors see during a rolling update of two processes behind nginx, and a rollback."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.deploy.conftest import WebServer
from tests.deploy.http import get
from tests.deploy.shop import write_release
from tests.project import Project
from tests.servers import Server, repeated, wait_for

REQUESTS = 500

# With Django's own storage there is nothing in wsgi.py to ask for.
APPLICATIONS = {"per release": "my_site.wsgi", "Django's own": "django.core.wsgi:get_wsgi_application()"}


@dataclass
class Shop:
    """The shop behind nginx at `port`. `complaints` are the browser's errors."""

    port: int
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def open(self) -> Page:
        """A new visitor's page, loaded."""
        page = self.browser.new_context().new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", lambda answer: self.complaints.append(f"{answer.status}") if answer.status >= 400 else None)
        page.goto(f"http://127.0.0.1:{self.port}/", wait_until="networkidle")
        return page

    def parts(self, page: Page) -> list[str]:
        """The releases of the page, its style sheet and its script."""
        return page.evaluate(
            """() => {
                const page = document.documentElement;
                const style = getComputedStyle(page).getPropertyValue("--release");
                return [page.dataset.release, style.trim(), page.dataset.script];
            }"""
        )

    def visit(self, path: str) -> str:
        """What a visitor of the page gets: "release 1", "release 2", "mixed", or the status of what failed."""
        page = get(self.port, path)
        if page.status != 200:
            return str(page.status)
        found = set(re.findall(r'data-release="(\d)"', page.body.decode()))
        for link in re.findall(r'(?:href|src|data-module)="(/static/[^"]+)"', page.body.decode()):
            file = get(self.port, link)
            if file.status != 200:
                return str(file.status)
            found.update(re.findall(r"release (\d)", file.body.decode()))
        return "mixed" if len(found) > 1 else f"release {found.pop()}"

    def visits(self) -> Counter[str]:
        """What this many visitors get for two pages. Each requests a page twice, so that both processes respond."""
        paths = ["/", "/", "/offer/", "/offer/"]
        return Counter(self.visit(paths[n % len(paths)]) for n in range(REQUESTS))


@dataclass
class Update:
    """The observations during an update from release 1 to release 2 that was stopped halfway and rolled back."""

    shop: Shop
    releases: dict[int, Project]
    # While release 2 was published, one of the two processes was replaced, and the other one started anew.
    meanwhile: Counter[str]
    # Half-way: one process of release 2, and one of release 1 that was started anew, as after a crash or elsewhere.
    halfway: Counter[str]
    # The parts of four pages that were opened then.
    opened: list[list[str]]
    # What the page that was opened before everything loads only then.
    chart: str | None
    font: str | None
    # After the rollback to release 1, in which nothing was published.
    rolled_back: Counter[str]


@pytest.fixture
def update(
    render: Callable[..., Project],
    virtual_environment: Callable[..., Path],
    serve: Callable[..., WebServer],
    start: Callable[..., Server],
    browser: Browser,
    tmp_path: Path,
) -> Callable[[str], Update]:
    def update(storage: str) -> Update:
        site = render(python=virtual_environment("6.1", "gunicorn"))
        releases = {}
        for number in (0, 1, 2):
            folder = shutil.copytree(site.path, tmp_path / f"release-{number}")
            write_release(folder, number, storage)
            releases[number] = Project(folder, site.python, {"STATIC_ROOT": str(site.path / "public" / "static")})
        nginx = serve("nginx", site)
        one, other = nginx.processes

        def run(number: int, port: int) -> Server:
            command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", APPLICATIONS[storage])
            return start(releases[number], *command, DJANGO_SETTINGS_MODULE="my_site.settings").until_listening(port)

        for number in (0, 1):
            releases[number].manage("collectstatic", "--noinput")
        first, second = run(1, one), run(1, other)
        shop = Shop(nginx.port, browser)
        page = shop.open()
        assert shop.parts(page) == ["1", "1", "1"]

        with repeated(lambda: shop.visit("/")) as meanwhile:
            releases[2].manage("collectstatic", "--noinput")
            second.stop()
            second = run(2, other)
            first.stop()
            run(1, one)
            assert wait_for(lambda: meanwhile["release 2"])
        halfway = shop.visits()
        opened = [shop.parts(shop.open()) for _ in range(4)]
        page.click("button")
        page.wait_for_function("document.documentElement.dataset.font")
        chart, font = page.get_attribute("html", "data-chart"), page.get_attribute("html", "data-font")

        second.stop()
        run(1, other)
        rolled_back = shop.visits()
        return Update(shop, releases, meanwhile, halfway, opened, chart, font, rolled_back)

    return update


@pytest.mark.long
def test_nobody_notices_a_rolling_update_nor_a_rollback(update):
    seen = update("per release")

    assert set(seen.meanwhile) == {"release 1", "release 2"}
    assert seen.halfway == {"release 1": REQUESTS / 2, "release 2": REQUESTS / 2}
    assert sorted(seen.opened) == [["1", "1", "1"]] * 2 + [["2", "2", "2"]] * 2
    assert (seen.chart, seen.font) == ("chart with axis", "loaded")
    assert seen.rolled_back == {"release 1": REQUESTS}

    banners = [f"banner-{number}.{'[0-9a-f]' * 12}.css" for number in seen.releases]
    folder = Path(seen.releases[1].variables["STATIC_ROOT"]) / "shop"
    assert [len(list(folder.glob(banner))) for banner in banners] == [1, 1, 1]
    seen.releases[1].manage("releases", "prune", "--keep=1", "--days=0")
    assert [len(list(folder.glob(banner))) for banner in banners] == [0, 1, 1]
    assert seen.shop.visits() == {"release 1": REQUESTS}
    assert seen.shop.parts(seen.shop.open()) == ["1", "1", "1"]
    assert seen.shop.complaints == []


@pytest.mark.long
def test_with_djangos_own_storage_everybody_does(update):
    seen = update("Django's own")

    assert seen.halfway == {"release 2": REQUESTS / 2, "mixed": REQUESTS / 4, "500": REQUESTS / 4}
    assert sorted(seen.opened) == [["1", "2", "2"]] * 2 + [["2", "2", "2"]] * 2
    assert (seen.chart, seen.font) == ("missing", "loaded")
    assert seen.rolled_back == {"mixed": REQUESTS / 2, "500": REQUESTS / 2}
    assert "404" in seen.shop.complaints
