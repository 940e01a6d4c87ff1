"""nginx and Caddy with the configurations in deploy/, as seen by a browser, a CDN and an attacker."""

import gzip
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import copier
import pytest

from tests.deploy.conftest import SERVERS, WebServer
from tests.deploy.http import Answer, get, post
from tests.project import Project

FOREVER = "public, max-age=31536000, immutable"
SHORTLY = "public, max-age=60"

COMPRESSED = "whitenoise.storage.CompressedManifestStaticFilesStorage"

FILES = {
    "app.css": "body { background: url(logo.svg) }" + "/* long enough to be worth compressing */" * 50,
    "app.mjs": "export const release = 1;" + "// long enough to be worth compressing\n" * 50,
    "logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "font.woff2": "no font, but the web server does not know",
    "LICENSE": "No extension.",
    "like.0123456789a.css": "eleven digits are no hash",
    "like.0123456789AB.css": "nor are capital letters",
    "like0123456789ab.css": "nor is what follows no dot",
}

# Uploads that browsers may show, and such that could hold a script.
SHOWN = ("photo.JPG", "photo.png", "film.mp4", "letter.pdf", "notes.txt")
SAVED = ("page.html", "page.HTM", "drawing.svg", "feed.xml", "page.xhtml", "archive", "script.js", "photo.png.html")


@pytest.fixture(scope="module")
def project(
    template: Path, tmp_path_factory: pytest.TempPathFactory, virtual_environment: Callable[..., Path]
) -> Project:
    """A project with a release that is published with .gz and .br files."""
    path = tmp_path_factory.mktemp("site") / "my-site"
    copier.run_copy(str(template), path, defaults=True, quiet=True)
    python = virtual_environment("6.1", "gunicorn", "whitenoise[brotli]")
    project = Project(path, python, {"RELEASE_ID": "one"})
    for name, content in FILES.items():
        (path / "static" / name).write_text(content)
    with open(path / "my_site" / "settings.py", "a") as settings:
        settings.write(f'\nSTORAGES["staticfiles"]["OPTIONS"]["stage"] = "{COMPRESSED}"\n')
    project.manage("collectstatic", "--noinput")
    (path / "public" / "media").mkdir()
    for name in (*SHOWN, *SAVED):
        (path / "public" / "media" / name).write_text("<script>alert(1)</script>")
    return project


@dataclass
class Site:
    project: Project
    server: WebServer

    def get(self, path: str, **headers: str) -> Answer:
        return get(self.server.port, path, **headers)

    def hashed(self, name: str) -> str:
        """The path of a hashed file."""
        pattern = f"{Path(name).stem}.{'[0-9a-f]' * 12}{Path(name).suffix}"
        (path,) = (self.project.path / "public" / "static").glob(pattern)
        return f"/static/{path.name}"


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest, project: Project, serve: Callable[..., WebServer]) -> Site:
    return Site(project, serve(request.param, project, brotli=True))


@pytest.mark.parametrize("name", ["app.css", "app.mjs", "logo.svg", "font.woff2", "LICENSE"])
def test_hashed_names_are_kept_for_ever_and_originals_shortly(site, name):
    hashed, original = site.get(site.hashed(name)), site.get(f"/static/{name}")

    assert (hashed.status, hashed["Cache-Control"]) == (200, FOREVER)
    assert (original.status, original["Cache-Control"]) == (200, SHORTLY)


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("like")])
def test_names_that_only_look_hashed_are_kept_shortly(site, name):
    answer = site.get(f"/static/{name}")

    assert (answer.status, answer["Cache-Control"]) == (200, SHORTLY)


def test_a_missing_file_is_not_kept(site):
    for name in ("no.0123456789ab.css", "no.css"):
        answer = site.get(f"/static/{name}")
        assert (answer.status, answer["Cache-Control"]) == (404, "")


def test_what_has_not_changed_is_not_sent_again_and_may_be_kept_on(site):
    path = site.hashed("app.css")
    answer = site.get(path, If_None_Match=site.get(path)["ETag"])

    assert (answer.status, answer["Cache-Control"], answer.body) == (304, FOREVER, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/.releases/one/staticfiles.json",
        "/static/%2Ereleases/one/staticfiles.json",
        "/static/%2e%72%65leases/one/staticfiles.json",
        "/static/.releases%2Fone%2Fstaticfiles.json",
        "/static//.releases//one/staticfiles.json",
        "/static/./.releases/one/staticfiles.json",
        "/static/pages/../.releases/one/staticfiles.json",
        "/static/pages%2F..%2F.releases/one/staticfiles.json",
        "/static/%252Ereleases/one/staticfiles.json",
        "//static/.releases/one/staticfiles.json",
        "/static%2F.releases/one/staticfiles.json",
        "/static/.releases/one/staticfiles.json?x=.css",
        "/static/.releases/one/staticfiles.json/",
        "/static/.releases/",
        "/static/.releases",
    ],
)
def test_manifests_are_not_public(site, path):
    assert (site.project.path / "public/static/.releases/one/staticfiles.json").exists()

    answer = site.get(path, Accept_Encoding="br, gzip")
    # Where nothing matches /static/, the path is one for the site, which is not running here.
    assert answer.status in {400, 404, 502}
    assert b"paths" not in answer.body


@pytest.mark.parametrize("name", ["app.css", "app.mjs"])
def test_compressed_files_are_sent_to_those_who_take_them(site, name):
    path = site.hashed(name)
    plain = (site.project.path / "public" / path[1:]).read_bytes()
    answers = [site.get(path), *(site.get(path, Accept_Encoding=accepted) for accepted in ("gzip", "gzip, br", "br"))]

    assert [answer["Content-Encoding"] for answer in answers] == ["", "gzip", "br", "br"]
    assert [answer["Vary"] for answer in answers] == ["Accept-Encoding"] * 4
    assert [answer["Cache-Control"] for answer in answers] == [FOREVER] * 4
    assert len({answer["Content-Type"] for answer in answers}) == 1
    sent = [answers[0].body, gzip.decompress(answers[1].body), *(brotli.decompress(it.body) for it in answers[2:])]
    assert sent == [plain] * 4
    # The file that was published, and not one that was compressed on the way.
    assert answers[1].body == (site.project.path / "public" / f"{path[1:]}.gz").read_bytes()
    assert answers[2].body == (site.project.path / "public" / f"{path[1:]}.br").read_bytes()


def test_a_cdn_gets_compressed_files_too(site):
    answer = site.get(site.hashed("app.css"), Accept_Encoding="gzip", Via="1.1 a.cloudfront.net (CloudFront)")

    assert answer["Content-Encoding"] == "gzip"


def test_a_file_that_nobody_compressed_is_compressed_on_the_way(site):
    name = "app.css"
    published = site.project.path / "public" / "static" / "later.css"
    published.write_text(FILES[name])

    answer = site.get("/static/later.css", Accept_Encoding="gzip")

    assert (answer["Content-Encoding"], answer["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(answer.body).decode() == FILES[name]


def test_every_file_has_a_type_that_browsers_take(site):
    found = {name: site.get(f"/static/{name}")["Content-Type"].partition(";")[0] for name in FILES}

    assert found["app.css"] == "text/css"
    assert found["app.mjs"] == "text/javascript"
    assert found["logo.svg"] == "image/svg+xml"
    assert found["font.woff2"] == "font/woff2"


@pytest.mark.parametrize("name", ["font.woff2", "app.mjs"])
def test_fonts_and_modules_may_be_used_from_another_host(site, name):
    for path in (f"/static/{name}", site.hashed(name)):
        assert site.get(path, Origin="https://www.example.com")["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("name", [*SHOWN, *SAVED])
def test_an_upload_that_could_hold_a_script_is_saved_and_not_shown(site, name):
    answer = site.get(f"/media/{name}")

    assert (answer.status, answer["X-Content-Type-Options"]) == (200, "nosniff")
    kept = (answer["Content-Disposition"], answer["Content-Security-Policy"])
    assert kept == (("", "") if name in SHOWN else ("attachment", "sandbox"))


def test_only_uploads_are_served_beside_static_files(site):
    for path in ("/media/../../manage.py", "/media/%2e%2e/%2e%2e/manage.py", "/media/", "/media/none.png"):
        assert site.get(path).status in {400, 403, 404, 502}


def test_a_post_gets_through_while_one_process_is_down(site, start):
    down, port = site.server.processes
    start(site.project, "gunicorn", f"--bind=127.0.0.1:{port}", "--no-control-socket", "my_site.wsgi").until_listening(
        port
    )
    with socket.socket() as held:  # refuses connections, and no other test can listen on its port
        held.bind(("127.0.0.1", down))
        for length in (10, 100_000):
            statuses = {post(site.server.port, "/admin/login/", b"x" * length).status for _ in range(4)}
            # It has no CSRF token.
            assert statuses == {403}


def test_pages_come_from_the_process_that_runs_while_the_other_does_not(site, start):
    for port in site.server.processes:
        process = start(site.project, "gunicorn", f"--bind=127.0.0.1:{port}", "--no-control-socket", "my_site.wsgi")
        process.until_listening(port)
        pages = [site.get("/") for _ in range(4)]
        process.stop()
        assert [page.status for page in pages] == [200] * 4
        assert all(re.search(rb'href="/static/pages/home\.[0-9a-f]{12}\.css"', page.body) for page in pages)
