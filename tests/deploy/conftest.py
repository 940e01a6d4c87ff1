"""Web servers with the configurations from a project, and the project behind them."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.project import Project
from tests.servers import Server, free_port

# Without the last ones a start waits for hosts that a closed network does not have.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What stands around a site in Debian's nginx.conf, but for the folders that only root may write to.
NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;
events {{
}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/access.log;
    error_log {folder}/error.log;
    sendfile on;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    gzip on;
    include {folder}/site.conf;
}}
"""


def put_in(configuration: str, values: dict[str, str]) -> str:
    """The configuration, with the replacements that its comments describe."""
    for placeholder, value in values.items():
        assert placeholder in configuration
        configuration = configuration.replace(placeholder, value)
    return configuration


def uncomment(configuration: str, first: str, last: str) -> str:
    """The configuration, with the lines from `first` to `last` uncommented."""
    before, found, rest = configuration.partition(first)
    lines, end, after = rest.partition(last)
    assert found and end
    start = before.rindex("#")
    block = re.sub(r"(?m)^(\s*)#\s", r"\1", before[start:] + first + lines + end)
    return before[:start] + block.removeprefix("# ") + after


Arguments = list[str | Path]


def nginx(
    project: Project, folder: Path, port: int, processes: tuple[int, int], *, brotli: bool, bundler: bool
) -> Arguments:
    site = put_in(
        (project.path / "deploy" / "nginx.conf").read_text(),
        {
            "listen 80;": f"listen 127.0.0.1:{port};",
            "listen [::]:80;": "",
            "www.example.com": "127.0.0.1",
            "/srv/my_site/public": str(project.path / "public"),
            "127.0.0.1:8001": f"127.0.0.1:{processes[0]}",
            "127.0.0.1:8002": f"127.0.0.1:{processes[1]}",
            **({"# brotli_static": "brotli_static"} if brotli else {}),
        },
    )
    if bundler:
        site = uncomment(site, 'location ~ "^/static/vite/', "# }")
    (folder / "site.conf").write_text(site)
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    return ["-e", folder / "error.log", "-c", folder / "nginx.conf"]


def caddy(
    project: Project, folder: Path, port: int, processes: tuple[int, int], *, brotli: bool, bundler: bool
) -> Arguments:
    site = put_in(
        (project.path / "deploy" / "Caddyfile").read_text(),
        {
            "www.example.com": f"http://127.0.0.1:{port}",
            "/srv/my_site/public": str(project.path / "public"),
            "127.0.0.1:8001": f"127.0.0.1:{processes[0]}",
            "127.0.0.1:8002": f"127.0.0.1:{processes[1]}",
        },
    )
    if bundler:
        site = uncomment(site, "@bundled {", "header @bundled")
    # Two Caddys cannot share the port of its own interface.
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    return ["run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


SERVERS = {"nginx": nginx, "caddy": caddy}


def program(*names: str) -> str:
    """The path of the first of these programs that exists. Otherwise the test is skipped. .ci/run installs them."""
    found = [path for name in names if (path := shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"))]
    if not found:
        pytest.skip(f"there is no {' nor '.join(names)}")
    return found[0]


class WebServer(NamedTuple):
    port: int
    # What its comments ask for: where the processes listen.
    processes: tuple[int, int]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., WebServer]]:
    """serve("nginx", project): that server, stopped after the tests of the module."""
    running: list[Server] = []

    def serve(name: str, project: Project, *, brotli: bool = False, bundler: bool = False) -> WebServer:
        folder = tmp_path_factory.mktemp(name)
        port, processes = free_port(), (free_port(), free_port())
        arguments = SERVERS[name](project, folder, port, processes, brotli=brotli, bundler=bundler)
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        server = Server.start([program(name), *arguments], folder, folder / "log", **home)
        running.append(server.until_listening(port))
        return WebServer(port, processes)

    yield serve
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "google-chrome"), args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def run(start: Callable[..., Server]) -> Callable[[Project, int], Server]:
    """run(release, port): a server process of that release."""

    def run(release: Project, port: int) -> Server:
        command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", "my_site.wsgi")
        return start(release, *command).until_listening(port)

    return run
