"""Follow the guide for one server on a Debian machine with only the packages that the guide installs."""

import http.client
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.deploy import machine
from tests.deploy.machine import Machine
from tests.guide import blocks
from tests.project import Project
from tests.servers import DEADLINE, Server, free_port, repeated, wait_for

HOST = "www.your-domain.com"

# So that visitors can upload.
VIEW = """

@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(default_storage.url(default_storage.save("mine.svg", request.FILES["file"])))
"""

IMPORTS = """from django.core.files.storage import default_storage
from django.views.decorators.csrf import csrf_exempt
"""

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@dataclass
class Site:
    """The project on the developer's machine, and `machine` as the server in the guide."""

    project: Project
    machine: Machine
    port: int

    def block(self, *words: str) -> str:
        """The block of the guide with these words."""
        guide = self.project.path / "docs" / "deploy-server.md"
        [found] = [block.text for block in blocks(guide) if all(word in block.text for word in words)]
        return found

    def write_release(self, number: int) -> str:
        (self.project.path / "static" / "example.txt").write_text(f"release {number}")
        commit = self.project.commit(f"Release {number}")
        self.project.run("git", "push", "--quiet")
        return commit

    def request(self, method: str, path: str, body: str | bytes = "", **headers: str) -> http.client.HTTPResponse:
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE, context=trusting)
        headers = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def get(self, path: str) -> bytes:
        response = self.request("GET", path)
        assert response.status == 200, path
        return response.read()

    def live(self) -> set[str]:
        """The releases of the processes, which take turns responding."""
        return {json.loads(self.get("/healthz"))["release"] for _ in range(4)}

    def log_in(self) -> bool:
        form = self.request("GET", "/admin/login/")
        cookies = SimpleCookie(form.headers["Set-Cookie"])
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.read().decode())
        answer = self.request(
            "POST",
            "/admin/login/",
            urlencode({"username": "ada", "password": "lovelace", "csrfmiddlewaretoken": token}),
            Content_Type="application/x-www-form-urlencoded",
            Cookie=f"csrftoken={cookies['csrftoken'].value}",
            Referer=f"https://{HOST}/admin/login/",
        )
        return answer.status == 302 and "sessionid=" in str(answer.headers)

    def upload(self, content: bytes) -> str:
        """The URL path of the upload."""
        body = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="mine.svg"\r\n\r\n%s\r\n--boundary--\r\n'
        answer = self.request("POST", "/upload", body % content, Content_Type="multipart/form-data; boundary=boundary")
        assert answer.status == 200
        return answer.read().decode()


@pytest.fixture
def site(render: Callable[..., Project], tmp_path: Path) -> Iterator[Site]:
    """A project that was pushed to a remote, and a machine without any step of the guide."""
    project, port = render(), free_port()
    views, urls = project.path / "pages" / "views.py", project.path / "my_site" / "urls.py"
    views.write_text(views.read_text().replace("from django.http", f"{IMPORTS}from django.http", 1) + VIEW)
    urls.write_text(
        urls.read_text()
        .replace("import home", "import home, upload")
        .replace('path("healthz"', 'path("upload", upload),\n    path("healthz"')
    )
    # What certbot writes, and a port that the host does not use.
    nginx = project.path / "deploy" / "nginx.conf"
    certificate = "ssl_certificate /root/site.pem;\n    ssl_certificate_key /root/site.key;"
    nginx.write_text(
        nginx.read_text()
        .replace("listen 80;", f"listen 127.0.0.1:{port} ssl;\n    {certificate}")
        .replace("    listen [::]:80;\n", "")
    )
    project.commit("Start")
    remotes = tmp_path / "remotes"
    project.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(remotes / "my_site.git"))
    project.run("git", "remote", "add", "origin", str(remotes / "my_site.git"))
    project.run("git", "push", "--quiet", "--set-upstream", "origin", "main")

    git = free_port()
    daemon = ["git", "daemon", "--export-all", f"--base-path={remotes}", "--listen=127.0.0.1", f"--port={git}"]
    root = tmp_path / "root"
    machine.install(root)
    served = Server.start([*daemon, "--reuseaddr"], tmp_path, tmp_path / "git.log").until_listening(git)
    try:
        with Machine.boot(root, tmp_path / "boot.log") as booted:
            for guide in (project.path / "docs").glob("deploy-server.md"):
                remote = f"git://127.0.0.1:{git}/my_site.git"
                guide.write_text(guide.read_text().replace("https://git.example.com/my_site.git", remote))
            yield Site(project, booted, port)
    finally:
        served.stop()
        subprocess.run([*machine.AS_ROOT, "rm", "-rf", root], check=True)


def test_a_dry_run_of_prune_keeps_the_code_too(render, virtual_environment, tmp_path):
    python, folder = virtual_environment("6.1"), tmp_path / "srv"
    for release in ("unpublished", "first", "second"):
        shutil.copytree(render(f"{release}/my_site").path, folder / "releases" / release)
    (folder / "current").symlink_to("releases/second")
    # The commands of the script, without its server.
    script = (render().path / "deploy" / "server.sh").read_text().replace("cd /srv/my_site", f"cd {folder}")
    manage = f'manage() {{ (cd "$1" && RELEASE_ID=$(basename "$(pwd -P)") {python} manage.py "${{@:2}}"); }}\n'
    (folder / "server.sh").write_text(script.replace('case "${1-}" in', f'{manage}case "${{1-}}" in'))
    site = Project(folder, variables={"STATIC_ROOT": str(folder / "static")})
    for release in ("first", "second"):
        (folder / "next").symlink_to(f"releases/{release}")
        (folder / "next").replace(folder / "current")
        site.run("bash", "server.sh", "manage", "collectstatic", "--noinput")

    def code() -> set[str]:
        return {path.name for path in (folder / "releases").iterdir()}

    for options in (["--dry-run"], ["--dry"], ["--help"]):
        said = site.run("bash", "server.sh", "prune", "--keep=1", "--days=0", *options).stdout
        assert "first" in said or options == ["--help"]
        assert code() == {"unpublished", "first", "second"}
    site.run("bash", "server.sh", "prune", "--keep=1", "--days=0")
    assert code() == {"second"}


@pytest.mark.long
def test_users_uploads_and_old_pages_survive_deploys_a_rollback_and_a_prune(site):
    run = site.machine.run
    releases = set_up(site)
    assert site.live() == {releases[0]}
    assert b"/static/pages/home." in site.get("/")
    assert site.log_in()
    upload = site.upload(SVG)

    for number in (2, 3):
        releases.append(site.write_release(number))
        with repeated(lambda: site.request("GET", "/").status) as seen:
            assert f"{releases[-1]} is live" in run("my_site deploy").stdout
        assert set(seen) == {200} and seen[200] > 10
        assert site.live() == {releases[-1]}
        assert site.log_in()
        assert site.get(upload) == SVG

    a_release_that_does_not_start_changes_nothing(site, releases[-1])

    listing, again = site.block("manage releases", "deploy ID").splitlines()
    assert all(release in run(listing).stdout for release in releases)
    run(again.replace("ID", releases[0]))
    assert site.live() == {releases[0]}
    for number in (2, 3):
        assert run(f"grep -l 'release {number}' /srv/my_site/public/static/example.*.txt").stdout

    assert site.log_in()
    served = site.request("GET", upload)
    assert served.read() == SVG
    assert (served.headers["X-Content-Type-Options"], served.headers["Content-Disposition"]) == (
        "nosniff",
        "attachment",
    )

    cron_prunes(site, releases)
    assert site.live() == {releases[0]}
    assert site.log_in()

    systemd_starts_it_again_where_that_may_help(site)
    # Of 100, where 100 is all that a process may do.
    run("systemd-analyze security --threshold=20 my_site@8001")


def set_up(site: Site) -> list[str]:
    """Follow the guide up to the first visitor. Returns the deployed release."""
    site.project.run("bash", "-euc", site.block("uv lock", "git push"))
    run = site.machine.run
    run(site.block("apt install", "adduser") + site.block("cat > env") + site.block("git clone"))
    run(site.block("my_site deploy\n"))
    add_user = "from django.contrib.auth.models import User; User.objects.create_superuser('ada', password='lovelace')"
    run(f'my_site manage shell -c "{add_user}"')
    # As certbot would.
    run("apt-get install -yqq openssl")
    run(f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN={HOST} -keyout site.key -out site.pem")
    run(site.block("apt install", "nginx"))
    return [site.project.run("git", "rev-parse", "HEAD").stdout.strip()]


def a_release_that_does_not_start_changes_nothing(site: Site, live: str) -> None:
    wsgi = site.project.path / "my_site" / "wsgi.py"
    working = wsgi.read_text()
    wsgi.write_text(f"{working}\nraise SystemExit(3)\n")
    broken = site.write_release(4)
    with repeated(lambda: site.request("GET", "/").status) as seen:
        failed = site.machine.run("my_site deploy", check=False)
    assert failed.returncode == 1
    assert f"{broken} failed to start" in failed.stderr
    assert set(seen) == {200}
    assert site.live() == {live}
    assert live in site.machine.run("readlink /srv/my_site/current").stdout
    wsgi.write_text(working)


def cron_prunes(site: Site, releases: list[str]) -> None:
    """Run the guide's cron job, with the environment of cron."""
    run = site.machine.run
    run(site.block("/etc/cron.d"))
    found = re.fullmatch(r"17 4 \* \* \*  (\w+)  (.+)\n", run("cat /etc/cron.d/my_site").stdout)
    assert found and found[1] == "root"
    as_cron = f"env --ignore-environment PATH=/usr/bin:/bin sh -c '{found[2]} %s'"
    run(as_cron % "")
    assert set(run("ls /srv/my_site/releases").stdout.split()) >= set(releases)
    run(as_cron % "--keep=1 --days=0")
    assert run("ls /srv/my_site/releases").stdout.split() == releases[:1]


def systemd_starts_it_again_where_that_may_help(site: Site) -> None:
    run = site.machine.run
    manifests = "/srv/my_site/public/static/.releases/$(cat /srv/my_site/current/REVISION)"

    def state() -> str:
        return run("systemctl show --property=ActiveState,ExecMainStatus --value my_site@8002").stdout.replace(
            "\n", " "
        )

    # The manifest cannot be read: 75, until it can.
    run(f"chmod 0 {manifests}/staticfiles.json && systemctl restart my_site@8002 || true")
    assert state().split() == ["75", "activating"]
    run(f"chmod 644 {manifests}/staticfiles.json")
    assert wait_for(lambda: "active" in state().split())
    # There is none: 3, once and for all.
    run(f"mv {manifests} /root/manifests && systemctl restart my_site@8002 || true")
    assert state().split() == ["3", "failed"]
