"""What a page made of ES modules loads after the next release, a restart, a rollback and a prune."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.modules import MODULES, Visit, hashed_modules, write_releases
from tests.project import Project

DJANGO = 'del STORAGES["staticfiles"]["OPTIONS"]["stage"]'


@pytest.fixture
def site(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Project:
    return render(python=virtual_environment("6.1", "gunicorn"))


def test_a_page_loads_the_modules_of_its_own_release_whatever_is_published(site, serve, run, browser, tmp_path):
    root = site.path / "public" / "static"
    releases = write_releases(site, tmp_path, STATIC_ROOT=str(root))
    nginx = serve("nginx", site)
    address = f"http://127.0.0.1:{nginx.port}/"
    for release in releases[:2]:
        assert "Warning" not in release.manage("collectstatic", "--noinput").stderr
    old = run(releases[1], nginx.processes[0])
    before = Visit.open(browser, address)
    assert before.modules == "1 1 1 1"

    releases[2].manage("collectstatic", "--noinput")
    assert before.click("lazy") == "1"

    old.stop()
    new = run(releases[2], nginx.processes[1])
    after = Visit.open(browser, address)
    assert (after.modules, after.click("lazy")) == ("2 2 2 2", "2")

    new.stop()
    run(releases[1], nginx.processes[0])
    rolled_back = Visit.open(browser, address)
    assert (rolled_back.modules, rolled_back.click("lazy")) == ("1 1 1 1", "1")

    everything = dict.fromkeys(sorted(name.removesuffix(".js") for name in MODULES), 3)
    assert hashed_modules([str(path) for path in root.rglob("*")]) == everything
    releases[1].manage("releases", "prune", "--keep=1", "--days=0")
    assert hashed_modules([str(path) for path in root.rglob("*")]) == dict.fromkeys(everything, 2)
    for visit, value in ((before, "1"), (after, "2"), (rolled_back, "1")):
        assert visit.click("later") == value
        assert visit.complaints == []
    assert Visit.open(browser, address).modules == "1 1 1 1"


def test_where_django_hashes_it_loads_those_of_the_next_release_and_collectstatic_has_said_so(
    site, serve, run, browser, tmp_path
):
    releases = write_releases(site, tmp_path, DJANGO, STATIC_ROOT=str(site.path / "public" / "static"))
    nginx = serve("nginx", site)
    address = f"http://127.0.0.1:{nginx.port}/"
    warnings = releases[1].manage("collectstatic", "--noinput").stderr
    assert "modules/main.js: modules/ring.js (line 1), modules/barrel.js (line 2), modules/effect.js" in warnings
    process = run(releases[1], nginx.processes[0])
    before = Visit.open(browser, address)
    assert before.modules == "1 1 1 1"

    releases[2].manage("collectstatic", "--noinput")

    # The leaf that it has is that of release 1, what is lazily loaded is of release 2.
    assert "does not provide an export named 'leaf2'" in str(before.click("lazy"))
    process.stop()
    run(releases[1], nginx.processes[0])
    restarted = Visit.open(browser, address)
    assert restarted.modules is None
    assert any("does not provide an export named" in complaint for complaint in restarted.complaints)
