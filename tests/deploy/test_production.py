"""A generated project in production: servers, a proxy that terminates TLS, and their logs."""

import http.client
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.conftest import PACKAGES
from tests.deploy.conftest import NGINX, program
from tests.deploy.http import get
from tests.project import Project
from tests.servers import DEADLINE, Server, free_port

GUNICORN = ("gunicorn", "--no-control-socket", "--bind=127.0.0.1:0", "my_site.wsgi")
PRODUCTION = {
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
    "DJANGO_HTTPS": "1",
    "DJANGO_SECRET_KEY": "a long and random key, as far as Django's checks can tell",
}


@pytest.fixture
def site(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Project:
    """A project whose release is published."""
    project = render(python=virtual_environment("6.1", "gunicorn", "uvicorn"))
    project.variables = {"RELEASE_ID": "one"}
    project.manage("collectstatic", "--noinput")
    return project


def test_an_error_leaves_its_traceback_on_standard_error(site, start):
    urls = site.path / "my_site" / "urls.py"
    urls.write_text(urls.read_text().replace("urlpatterns = [", 'urlpatterns = [\n    path("boom", lambda _: 1 / 0),'))

    def log(**variables: str) -> str:
        port = free_port()
        server: Server = start(
            site, "gunicorn", f"--bind=127.0.0.1:{port}", "--no-control-socket", "my_site.wsgi", **variables
        )
        server.until_listening(port)
        assert get(port, "/boom").status == 500
        assert get(port, "/missing").status == 404
        with pytest.raises(HTTPError, match="400"):
            urlopen(Request(f"http://127.0.0.1:{port}/", headers={"Host": "other.example.com"}))
        server.stop()
        return server.said

    said = log()
    assert re.search(r"^\S+ \S+ ERROR django\.request: Internal Server Error: /boom\nTraceback ", said, re.MULTILINE)
    assert "\nZeroDivisionError: division by zero\n" in said
    assert "WARNING django.request: Not Found: /missing" in said
    assert "ERROR django.security.DisallowedHost: Invalid HTTP_HOST header: 'other.example.com'" in said
    assert "INFO" not in "".join(line for line in said.splitlines() if "django" in line)
    quiet = log(DJANGO_LOG_LEVEL="CRITICAL")
    assert "django" not in quiet and "Traceback" not in quiet


def test_the_home_page_shows_no_path_of_the_server(site, start):
    server: Server = start(site, *GUNICORN)
    manifest = server.probe()["manifest"]

    page = server.get("/")

    assert "<dd>one</dd>" in page and f"<dd>{manifest}</dd>" in page
    assert str(site.path) not in page


@pytest.mark.parametrize(
    "command",
    [GUNICORN, ("gunicorn", "--preload", *GUNICORN[1:]), ("uvicorn", "--port=0", "my_site.asgi:application")],
    ids=["gunicorn", "gunicorn --preload", "uvicorn"],
)
def test_a_server_without_a_secret_key_ends_when_it_starts(site, start, command):
    server: Server = start(site, *command, DJANGO_SECRET_KEY="")

    assert server.process.wait(DEADLINE) == 3
    assert server.said.count("SECRET_KEY is empty in my_site.settings") == 1
    assert "such as DJANGO_SECRET_KEY, to a long random string.\n" in server.said
    assert "Traceback" not in server.said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DJANGO_HTTPS", "ture", "DJANGO_HTTPS is 'ture' in the environment or in .env. Set it to 1 or 0.\n"),
        ("DATABASE_URL", "postgres//", "DATABASE_URL in the environment or in .env is not a database URL."),
    ],
)
def test_so_does_one_with_a_value_that_its_settings_refuse(site, start, name, value, says):
    server: Server = start(site, "gunicorn", "--preload", *GUNICORN[1:], **{name: value})

    assert server.process.wait(DEADLINE) == 3
    assert server.said.count(says) == 1
    assert "Traceback" not in server.said


def test_the_development_server_ends_too_if_it_is_to_run_as_in_production(site, start):
    server = start(site, "python", "manage.py", "runserver", "127.0.0.1:0", DJANGO_SECRET_KEY="")

    assert server.process.wait(DEADLINE) == 1
    assert server.said.count("SECRET_KEY is empty") == 1
    assert server.said.endswith(" For development, copy .env.example to .env.\n")
    assert "Traceback" not in server.said


def test_commands_need_no_secret_key(site):
    site.manage("migrate")
    site.manage("migrate", "--check")
    site.manage("collectstatic", "--noinput")
    site.manage("check")


@pytest.mark.parametrize("storage_backend", PACKAGES)
def test_a_new_project_tests_itself_with_either_runner(render, virtual_environment, django_version, storage_backend):
    python = virtual_environment(django_version, *PACKAGES[storage_backend], "pytest", "pytest-django", "pytest-xdist")
    project = render(python=python, django_version=django_version, storage_backend=storage_backend)
    # As startapp leaves it.
    (project.path / "shop").mkdir()
    (project.path / "shop" / "__init__.py").touch()
    (project.path / "shop" / "tests.py").write_text(
        "from django.test import TestCase\n\n\n"
        "class ShopTests(TestCase):\n"
        "    def test_a_page_with_static_files(self):\n"
        "        self.assertContains(self.client.get('/admin/login/'), 'admin/css/base.css')\n"
    )

    by_django = project.manage("test").stderr
    by_pytest = project.run(python, "-m", "pytest", "-p", "no:xdist").stdout

    ran = re.search(r"Ran (\d+) tests", by_django)
    assert ran and f"{ran[1]} passed" in by_pytest
    # Without the folder tests/, and in processes that do not begin as a copy of the first.
    assert "Ran 1 test" in project.manage("test", "shop").stderr
    assert "1 passed" in project.run(python, "-m", "pytest", "shop", "-n1").stdout
    (project.path / "spawn.py").write_text(
        "import multiprocessing, os\n"
        "from django.core.management import execute_from_command_line\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n"
        "    os.environ['DJANGO_SETTINGS_MODULE'] = 'my_site.settings'\n"
        "    execute_from_command_line(['manage.py', 'test', '--parallel=2'])\n"
    )
    assert "OK" in project.run(python, "spawn.py").stderr


@pytest.mark.parametrize("storage_backend", PACKAGES)
@pytest.mark.parametrize("compare", [False, True], ids=["", "compare"])
def test_the_check_of_a_deployment_has_nothing_to_say(
    render, virtual_environment, django_version, storage_backend, compare, server, bucket_name
):
    packages = PACKAGES["s3"] if compare else PACKAGES[storage_backend]
    project = render(
        python=virtual_environment(django_version, *packages),
        django_version=django_version,
        storage_backend=storage_backend,
        compare_static_configs=compare,
    )
    project.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name, "RELEASE_ID": "one"} | PRODUCTION
    project.manage("collectstatic", "--noinput")
    command = ("check", "--deploy", "--fail-level", "WARNING")

    project.manage(*command)

    for name, value, reported in (
        ("DJANGO_SECRET_KEY", "", "security.W009"),
        ("DJANGO_DEBUG", "1", "security.W018"),
        ("DJANGO_HTTPS", "0", "security.W008"),
        ("RELEASE_ID", "two", "release_static.E004"),
    ):
        done = project.manage(*command, check=False, **{name: value})
        assert done.returncode == 1 and reported in done.stderr


TLS = """server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{
        # gunicorn trusts 127.0.0.1 by itself.
        proxy_bind 127.0.0.2;
        proxy_pass http://127.0.0.1:{site};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Callable[[int], Callable[..., http.client.HTTPResponse]]]:
    """proxy(port): how to ask nginx, which terminates TLS for the process at that port and has another address."""

    def proxy(site: int) -> Callable[..., http.client.HTTPResponse]:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days=2", "-subj=/CN=127.0.0.1"]
            + ["-addext=subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        port = free_port()
        (tmp_path / "site.conf").write_text(TLS.format(port=port, folder=tmp_path, site=site))
        (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, user=""))
        command: list[str | Path] = [program("nginx"), "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf"]
        running.append(Server.start(command, tmp_path, tmp_path / "nginx.log").until_listening(port))
        trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")

        def ask(method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=trusted)
            headers["Origin"] = f"https://127.0.0.1:{port}"
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            return connection.getresponse()

        return ask

    running: list[Server] = []
    yield proxy
    for server in running:
        server.stop()


def log_in(ask: Callable[..., http.client.HTTPResponse]) -> http.client.HTTPResponse:
    page = ask("GET", "/admin/login/")
    cookies = SimpleCookie(page.headers["Set-Cookie"])
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    form = {"csrfmiddlewaretoken": token, "username": "ada", "password": "pass word", "next": "/admin/"}
    return ask(
        "POST",
        "/admin/login/",
        urlencode(form),
        Cookie=f"csrftoken={cookies['csrftoken'].value}",
        Content_Type="application/x-www-form-urlencoded",
    )


def test_people_log_in_through_a_proxy_that_terminates_tls_on_another_address(site, start, proxy):
    site.manage("migrate")
    site.manage("createsuperuser", "--noinput", "--username=ada", "--email=", DJANGO_SUPERUSER_PASSWORD="pass word")

    def serve(**variables: str) -> int:
        port = free_port()
        command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", "my_site.wsgi")
        start(site, *command, **variables).until_listening(port)
        return port

    port = serve(**PRODUCTION)
    answer = log_in(proxy(port))

    assert (answer.status, answer.headers["Location"]) == (302, "/admin/")
    session = SimpleCookie("; ".join(answer.headers.get_all("Set-Cookie", [])))["sessionid"]
    assert session["secure"] and session["httponly"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=3600; includeSubDomains; preload"
    # Without the proxy: visitors are sent to https://, a health check gets its answer.
    assert get(port, "/").status == 301
    assert get(port, "/")["Location"] == f"https://127.0.0.1:{port}/"
    assert get(port, "/healthz").status == 200


def test_without_the_variable_that_login_is_refused(site, start, proxy):
    site.manage("migrate")
    port = free_port()
    command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", "my_site.wsgi")
    start(site, *command, **PRODUCTION | {"DJANGO_HTTPS": "0"}).until_listening(port)

    assert log_in(proxy(port)).status == 403
