"""The four configurations, in projects that have them, and only there."""

import html
import json
import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import PACKAGES
from tests.project import Project, environment

DEADLINE = 120  # seconds; only a failure takes that long
OLD = "A static file of the project. Change it, commit, run collectstatic: both versions are there.\n"
NEW = OLD + "A line more.\n"
# Their names, as the documentation has them.
OLD_NAME, NEW_NAME = "example.d6e06f2eed9e.txt", "example.4bf546e60576.txt"
# Enough of it for a server of S3; moto[server] has every service.
MOTO = ("moto[s3]", "flask", "flask-cors")
FOUR = ["default", "manifest", "custom", "s3"]


@pytest.fixture
def comparing(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Callable[..., Project]:
    """comparing(**answers): a project with the four configurations, committed. With `moto`, s3 needs no bucket."""

    def comparing(*, moto: bool = False, **answers: str) -> Project:
        packages = PACKAGES["s3"] + (MOTO if moto else ())
        python = virtual_environment(answers.get("django_version", "6.1"), *packages)
        project = render(python=python, compare_static_configs=True, **answers)
        project.commit("Start")
        return project

    return comparing


@pytest.fixture
def moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def cells(page: str) -> dict[str, dict[str, tuple[str, str]]]:
    """The page's table: statement -> configuration -> (verdict, text)."""
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page, flags=re.DOTALL)
    cell = r'<td data-config="(\w+)"><span(?: class="(\w+)")?>(.*?)</span></td>'
    return {
        statement: {config: (verdict, html.unescape(text)) for config, verdict, text in re.findall(cell, row)}
        for statement, row in rows
    }


def settings_of(project: Project, **variables: str) -> dict[str, str]:
    script = (
        "import json; from django.conf import settings as s;"
        "print(json.dumps({'url': s.STATIC_URL, 'root': s.STATIC_ROOT and str(s.STATIC_ROOT),"
        " 'backend': s.STORAGES['staticfiles']['BACKEND'].rpartition('.')[2]}))"
    )
    return json.loads(project.manage("shell", "-v0", "-c", script, check=True, **variables).stdout)


def assert_measured(page: str, *, files: int) -> None:
    """The documentation of the four configurations."""
    table = cells(page)
    assert {config for row in table.values() for config in row} == set(FOUR)
    good_old, good_new = (("good", f"that of release-{n}: {name}") for n, name in ((1, OLD_NAME), (2, NEW_NAME)))
    bad, plain = ("bad", f"that of release-2: {NEW_NAME}"), ("bad", "that of release-2: example.txt")

    def row(statement: str) -> list[tuple[str, str]]:
        return [table[statement][config] for config in FOUR]

    assert [text for _, text in row("release-2 overwrote")] == [
        "example.txt",
        "example.txt, staticfiles.json",
        "example.txt",
        "example.txt",
    ]
    rewritten = row("release-2 deleted, or rewrote unchanged")
    assert [text for _, text in (rewritten[0], rewritten[2], rewritten[3])] == ["nothing"] * 3
    assert re.fullmatch(r"\d{2,} files, such as .+\.[0-9a-f]{12}\.css", rewritten[1][1]) and rewritten[1][0] == "bad"
    assert row("example.txt of release-1 survives as") == [("bad", "nothing"), *[("good", OLD_NAME)] * 3]
    each = ".releases/release-1/staticfiles.json, .releases/release-2/staticfiles.json"
    assert [text for _, text in row("manifests")] == ["none", "staticfiles.json", each, each]
    assert row("a process of release-1 that was running gives") == [plain, good_old, good_old, good_old]
    assert row("a process of release-1 that starts now gives") == [plain, bad, good_old, good_old]
    assert row("a process of release-2 gives") == [
        ("good", "that of release-2: example.txt"),
        good_new,
        good_new,
        good_new,
    ]
    assert row("after the rollback release-1 gives") == [plain, bad, good_old, good_old]
    assert row("URLs of release-1 that return 404") == [("good", f"0 of {files}")] * 4
    assert row("URLs of release-1 with different content") == [
        ("bad", f"1 of {files}: example.txt"),
        *[("good", f"0 of {files}")] * 3,
    ]
    assert re.findall(r"\d of 6 pages do not lead|All 6 pages lead", page)[::2] == [
        "3 of 6 pages do not lead",
        "2 of 6 pages do not lead",
        "All 6 pages lead",
        "All 6 pages lead",
    ]


def test_a_project_that_does_not_ask_has_no_trace_of_them(render):
    project = render()

    for path in (path for path in project.path.rglob("*") if path.is_file() and path.name != ".copier-answers.yml"):
        text = f"{path.relative_to(project.path)}\n{path.read_text()}"
        assert not re.search("static_config|compare_static|compare-static|side.by.side config", text, re.IGNORECASE), (
            path
        )


@pytest.mark.parametrize("config", ["", *FOUR])
def test_static_config_chooses_storage_folder_and_address(comparing, config):
    project = comparing()
    bucket = {"AWS_STORAGE_BUCKET_NAME": "shop", "AWS_S3_REGION_NAME": "eu-west-1"}

    for name in {config, config.upper()}:
        chosen = settings_of(project, **({"STATIC_CONFIG": name} if name else {}), **bucket)

        if config == "s3":
            assert chosen == {
                "url": "https://shop.s3.eu-west-1.amazonaws.com/static/",
                "root": None,
                "backend": "ReleaseSpecificManifestS3Storage",
            }
        else:
            backends = {
                "default": "StaticFilesStorage",
                "manifest": "ManifestStaticFilesStorage",
                "custom": "ReleaseSpecificManifestLocalStorage",
            }
            named = config or "custom"
            assert chosen == {
                "url": f"http://localhost:8080/static-{named}/",
                "root": str(project.path / "public" / f"static-{named}"),
                "backend": backends[named],
            }
    project.manage("check", **({"STATIC_CONFIG": config} if config else {}), **bucket)


def test_without_static_config_the_backend_that_was_chosen_is_meant(comparing):
    project = comparing(storage_backend="s3")

    assert settings_of(project, AWS_STORAGE_BUCKET_NAME="shop")["backend"] == "ReleaseSpecificManifestS3Storage"
    # The others need no bucket.
    assert settings_of(project, STATIC_CONFIG="custom")["backend"] == "ReleaseSpecificManifestLocalStorage"


def test_runserver_serves_static_files_from_their_apps_in_development(comparing):
    assert settings_of(comparing(), DJANGO_DEBUG="1")["url"] == "/static/"


def test_another_configuration_is_an_error_that_lists_the_four(comparing):
    done = comparing().manage("collectstatic", "--noinput", check=False, STATIC_CONFIG="whitenoise")

    assert done.returncode == 1
    assert "ImproperlyConfigured: STATIC_CONFIG is 'whitenoise'" in done.stderr
    assert "one of default, manifest, custom, s3" in done.stderr


def test_s3_without_a_bucket_says_which_variable_is_missing(comparing):
    done = comparing().manage("collectstatic", "--noinput", check=False, STATIC_CONFIG="s3")

    assert done.returncode == 1
    assert "Set AWS_STORAGE_BUCKET_NAME in the environment" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_compare_static_shows_what_a_deploy_does_to_each(comparing):
    project = comparing(moto=True, django_version="5.2")
    before = project.run("git", "status", "--porcelain").stdout

    done = project.manage("compare_static", COLUMNS="200")

    page = (project.path / "public" / "compare-static.html").read_text()
    assert_measured(page, files=page_files(project))
    assert all(name in done.stdout for name in (*FOUR, OLD_NAME, NEW_NAME, "public/compare-static.html"))
    assert not re.search(r"""<script|<link[^>]+href="(?!data:)|\bsrc=|url\(|@import|https?://""", page)
    assert project.run("git", "status", "--porcelain").stdout == before
    assert [path.name for path in (project.path / "public").iterdir()] == ["compare-static.html"]


def page_files(project: Project) -> int:
    """How many static files there are."""
    listed = project.manage("collectstatic", "--noinput", "--dry-run", STATIC_CONFIG="default").stdout
    return int(re.search(r"(\d+) static files? ", listed)[1])  # type: ignore[index]


@pytest.mark.long
def test_compare_static_tells_what_a_configuration_does_and_not_what_it_is_called(comparing):
    project = comparing()
    configs = project.path / "compare_static" / "static_configs.py"
    text = configs.read_text()
    ours = '"BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage",\n'
    options = '                "OPTIONS": {"release_id_strategy": site.release_id_strategy, "stage": STAGE},\n'
    assert ours + options in text
    django = '"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",\n'
    configs.write_text(text.replace(ours + options, django))
    output = project.path / "elsewhere" / "page.html"

    project.manage("compare_static", f"--output={output}")

    for statement, row in cells(output.read_text()).items():
        assert row["custom"] == row["manifest"], statement


@pytest.mark.long
def test_compare_static_leaves_nothing_in_a_bucket_but_what_was_there(comparing, moto):
    variables = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_S3_ENDPOINT_URL": moto}
    variables |= {"AWS_STORAGE_BUCKET_NAME": "shop", "AWS_S3_REGION_NAME": "us-east-1"}
    client = boto3.client("s3", "us-east-1", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b")
    client.create_bucket(Bucket="shop")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/static/*"}
    client.put_bucket_policy(Bucket="shop", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    project = comparing()
    project.manage("collectstatic", "--noinput", STATIC_CONFIG="s3", **variables)
    before = client.list_objects_v2(Bucket="shop")["Contents"]

    project.manage("compare_static", **variables)

    page = (project.path / "public" / "compare-static.html").read_text()
    assert cells(page)["after the rollback release-1 gives"]["s3"] == ("good", f"that of release-1: {OLD_NAME}")
    assert client.list_objects_v2(Bucket="shop")["Contents"] == before


def test_compare_static_says_what_to_do_without_a_bucket_that_it_can_use(comparing, moto):
    variables = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_S3_ENDPOINT_URL": moto}

    done = comparing().manage("compare_static", check=False, AWS_STORAGE_BUCKET_NAME="none", **variables)

    assert done.returncode == 1
    assert "NoSuchBucket" in done.stderr and "unset AWS_STORAGE_BUCKET_NAME" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_static_says_what_to_do_without_the_file_that_it_changes(comparing):
    project = comparing()
    (project.path / "static" / "example.txt").unlink()

    done = project.manage("compare_static", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(
        f"CommandError: The configurations could not be compared. There is no {project.path}/static/example.txt"
    )
    assert "Create it" in done.stderr


def test_compare_static_says_which_configuration_cannot_be_published_and_why(comparing):
    project = comparing(moto=True)
    (project.path / "static" / "style.css").write_text("a { background: url(no.png) }")

    done = project.manage("compare_static", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "CommandError: The configurations could not be compared. With STATIC_CONFIG=manifest, collectstatic of release-1 failed"
    )
    assert "no.png" in done.stderr
    assert not (project.path / "public").exists()


@pytest.mark.long
def test_the_walk_through_works_as_it_stands(render, moto):
    project = render(compare_static_configs=True)
    project.commit("Start")
    walk = Walk(project)

    walk.run("compare_static")
    assert walk.output.count("s3 was skipped") == 1
    for _ in range(3):
        walk.run("collectstatic")
    walk.compare()
    css = walk.hashed_css()
    walk.wait_for_the_next_second()
    walk.run("example.txt")
    for _ in range(3):
        walk.run("collectstatic")
    walk.compare()

    public = project.path / "public"
    assert (public / "static-default/example.txt").read_text() == NEW
    for config in ("manifest", "custom"):
        root = public / f"static-{config}"
        assert [(root / name).read_text() for name in ("example.txt", OLD_NAME, NEW_NAME)] == [NEW, OLD, NEW]
    manifest = json.loads((public / "static-manifest/staticfiles.json").read_bytes())
    assert manifest["paths"]["example.txt"] == NEW_NAME
    manifests = (public / "static-custom/.releases").glob("*/staticfiles.json")
    assert {json.loads(path.read_bytes())["paths"]["example.txt"] for path in manifests} == {OLD_NAME, NEW_NAME}
    now = walk.hashed_css()
    assert [path for path in css if css[path] != now[path] and "static-custom" in path] == []
    assert [path for path in css if css[path] != now[path] and "static-manifest" in path] != []

    with walk.start("http.server"), walk.start("runserver"):
        page = fetch("http://localhost:8000/")
        link = f"http://localhost:8080/static-custom/{NEW_NAME}"
        assert f'href="{link}"' in page
        assert fetch(link) == NEW
        style = re.search(r'<link rel="stylesheet" href="(http://localhost:8080/static-custom/[^"]+\.css)">', page)
        assert style and "color-scheme" in fetch(style[1])

    client = boto3.client("s3", "us-east-1", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b")
    client.create_bucket(Bucket="your-bucket")
    walk.run("STATIC_CONFIG=s3", AWS_S3_ENDPOINT_URL=moto)
    keys = {found["Key"] for found in client.list_objects_v2(Bucket="your-bucket")["Contents"]}
    commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert {f"static/.releases/{commit}/staticfiles.json", f"static/{NEW_NAME}"} <= keys

    project.run("git", "checkout", "-q", "HEAD~")
    walk.run("moto[server]")
    page = (public / "compare-static.html").read_text()
    assert_measured(page, files=len(manifest["paths"]))
    assert walk.left == ["uvx copier update --vcs-ref=:current: --defaults --data compare_static_configs=no"]


class Walk:
    """The commands of docs/compare-static-configs.md, in their order."""

    def __init__(self, project: Project) -> None:
        self._project = project
        text = (project.path / "docs/compare-static-configs.md").read_text()
        blocks = re.findall(r"```bash\n(.*?)\n```", text, flags=re.DOTALL)
        # A command that goes on in the next line, and one that exports for those below it, is one with them.
        self.left = [
            command
            for block in blocks
            for command in ([block] if re.search(r"\\\n|^export ", block) else block.splitlines())
        ]
        self._listings = re.findall(r"(?:^    public/.*\n)+", text, flags=re.MULTILINE)
        self.output = ""

    def _next(self, part: str) -> str:
        command = self.left.pop(0)
        assert part in command
        return command

    def run(self, part: str, **variables: str) -> None:
        """The next command, which contains this text, and the one after it if that is a git command."""
        command = self._next(part)
        if self.left and self.left[0].startswith("git "):
            command += "\n" + self.left.pop(0)
        self.output = self._project.run("bash", "-euc", command, check=True, **variables).stdout

    def compare(self) -> None:
        """The next command prints the output shown below it."""
        self.run("find public")
        said = self._listings.pop(0).replace("    public", "public")
        assert re.sub(r"\b[0-9a-f]{40}\b", "<commit>", self.output) == said

    @contextmanager
    def start(self, part: str) -> Iterator[None]:
        """The next command, which runs until it is stopped."""
        process = subprocess.Popen(
            ["bash", "-euc", self._next(part)],
            cwd=self._project.path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def hashed_css(self) -> dict[str, tuple[int, int]]:
        files = (self._project.path / "public").rglob("*.????????????.css")
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def wait_for_the_next_second(self) -> None:
        """Wait a second, because Django compares times in seconds."""
        newest = max(path.stat().st_mtime for path in (self._project.path / "public").rglob("*"))
        while time.time() < int(newest) + 1:
            time.sleep(0.05)


def fetch(url: str) -> str:
    """The content, once a server responds."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urlopen(url, timeout=DEADLINE) as response:
                return response.read().decode()
        except HTTPError:
            raise
        except (URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
