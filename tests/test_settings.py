"""The settings that a project reads from environment variables and from .env."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.conftest import PACKAGES
from tests.project import Project
from tests.servers import Server, free_port

SECRET = "$ecret-$BASE-$$-that-refers-to-nothing"


@pytest.fixture
def site(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Project:
    return render(python=virtual_environment("6.1"))


@pytest.fixture
def bucket_site(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Project:
    python = virtual_environment("6.1", *PACKAGES["s3"])
    return render("shop", python=python, package_name="my_site", storage_backend="s3")


def evaluate(project: Project, expression: str, **variables: str) -> Any:
    """The value of an expression, evaluated with the settings of the project."""
    script = (
        f"import json; from django.conf import settings; settings.DEBUG\nprint(json.dumps({expression}, default=str))"
    )
    variables = {"DJANGO_SETTINGS_MODULE": "my_site.settings"} | variables
    return json.loads(project.run(project.python or "python", "-c", script, check=True, **variables).stdout)


@pytest.mark.parametrize("word", ["1", "true", "Yes", "on"])
@pytest.mark.parametrize("name", ["DJANGO_DEBUG", "DJANGO_HTTPS"])
def test_a_boolean_may_be_written_in_several_ways(site, name, word):
    setting = {"DJANGO_DEBUG": "settings.DEBUG", "DJANGO_HTTPS": "settings.SECURE_SSL_REDIRECT"}[name]

    assert evaluate(site, setting, **{name: word}) is True


@pytest.mark.parametrize("word", ["", "0", "false", "No", "off"])
def test_so_may_its_opposite(site, word):
    assert evaluate(site, "[settings.DEBUG, settings.SECURE_SSL_REDIRECT]", DJANGO_DEBUG=word, DJANGO_HTTPS=word) == [
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DJANGO_HTTPS", "ture", "DJANGO_HTTPS is 'ture' in the environment or in .env. Set it to 1 or 0."),
        ("DJANGO_DEBUG", "$1", "DJANGO_DEBUG is '$1' in the environment or in .env. Set it to 1 or 0."),
        (
            "DJANGO_LOG_LEVEL",
            "loud",
            "DJANGO_LOG_LEVEL is 'loud' in the environment or in .env. Set it to DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        ),
    ],
)
def test_a_value_that_cannot_be_right_is_an_error_of_django(site, name, value, says):
    done = site.manage("check", check=False, **{name: value})

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"django.core.exceptions.ImproperlyConfigured: {says}"


def test_spaces_in_a_list_are_not_part_of_its_items(site):
    hosts = evaluate(site, "settings.ALLOWED_HOSTS", DJANGO_ALLOWED_HOSTS=" a.example.com, b.example.com,")

    assert hosts == ["a.example.com", "b.example.com"]


def test_the_environment_comes_before_the_file(site):
    (site.path / ".env").write_text("DJANGO_DEBUG=1\nDJANGO_ALLOWED_HOSTS=a, b\n")

    expression = "[settings.DEBUG, settings.ALLOWED_HOSTS]"
    assert evaluate(site, expression) == [True, ["a", "b"]]
    assert evaluate(site, expression, DJANGO_DEBUG="0") == [False, ["a", "b"]]
    assert evaluate(site, expression, DJANGO_DEBUG="") == [False, ["a", "b"]]


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_dollar_sign_stays_one(bucket_site, place):
    variables = {
        "DJANGO_SECRET_KEY": SECRET,
        "AWS_ACCESS_KEY_ID": "$id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "DATABASE_URL": f"postgres://user:{SECRET}@localhost/shop",
    }
    if place == "file":
        (bucket_site.path / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        variables = {}
    expression = (
        "[settings.SECRET_KEY, settings.DATABASES['default']['PASSWORD'], "
        "__import__('boto3').Session().get_credentials().secret_key]"
    )

    assert evaluate(bucket_site, expression, **variables) == [SECRET] * 3


def test_the_example_of_a_file_is_one_that_the_settings_take(bucket_site, site):
    for project in (bucket_site, site):
        (project.path / ".env.example").rename(project.path / ".env")
        project.manage("check")
        assert evaluate(project, "settings.DEBUG") is True


def test_the_default_database_is_beside_manage_py_whatever_the_folder_is_called(render, virtual_environment):
    project = render("a+b %41 #1", python=virtual_environment("6.1"), package_name="my_site")

    project.manage("migrate")

    assert (project.path / "db.sqlite3").exists()


def test_a_url_names_another_database(site):
    url = "postgres://us%40er:p%2Fw%23d@db.example.com:5433/shop?sslmode=require&conn_max_age=60"
    database = evaluate(site, "settings.DATABASES['default']", DATABASE_URL=url)

    assert database == database | {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "us@er",
        "PASSWORD": "p/w#d",
        "HOST": "db.example.com",
        "PORT": 5433,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    "url",
    [
        "shop",
        "postgres//user:secret@localhost/shop",
        "postgres://user:secret/1@localhost/shop",
        "postgers://user:secret@localhost/shop",
        "user:secret@localhost/shop",
        "user.name:secret@localhost/shop",
        "sqlite://db.sqlite3",
        "sqlite:db.sqlite3",
    ],
)
def test_what_is_no_url_of_a_database_is_refused_without_showing_it(site, url):
    done = site.manage("migrate", check=False, DATABASE_URL=url)

    says = done.stderr.splitlines()[-1]
    assert says.startswith(
        "django.core.exceptions.ImproperlyConfigured: DATABASE_URL in the environment or in .env is not"
    )
    assert "with %2F for /" in says and "sqlite:////absolute/path/db.sqlite3" in says
    assert "secret" not in done.stderr


def test_an_empty_variable_means_the_default(site):
    expression = "[settings.DATABASES['default']['NAME'], settings.LOG_LEVEL]"

    assert evaluate(site, expression, DATABASE_URL="", DJANGO_LOG_LEVEL="") == [
        str(site.path / "db.sqlite3"),
        "WARNING",
    ]


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("sqlite://:memory:", "django.db.backends.sqlite3"),
        ("mssql://user@localhost/shop", "mssql"),
        ("shop.backends.mongo://localhost/shop", "shop.backends.mongo"),
    ],
)
def test_a_url_may_name_any_backend(site, url, engine):
    assert evaluate(site, "settings.DATABASES['default']['ENGINE']", DATABASE_URL=url) == engine


def test_a_url_names_a_file_of_sqlite(site, tmp_path):
    site.manage("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/data.sqlite3")

    assert (tmp_path / "data.sqlite3").exists()
    assert not (site.path / "db.sqlite3").exists()


UPLOAD = (
    "from django.core.files.base import ContentFile; from django.core.files.storage import default_storage\n"
    "default_storage.save('cv.txt', ContentFile(b'mine'))"
)


def test_uploads_are_kept_where_media_root_says(site, tmp_path):
    site.manage("shell", "-c", UPLOAD)
    site.manage("shell", "-c", UPLOAD, MEDIA_ROOT=str(tmp_path / "uploads"))

    assert (site.path / "media" / "cv.txt").read_bytes() == (tmp_path / "uploads" / "cv.txt").read_bytes() == b"mine"
    # Not the directory that a process happens to run in.
    assert evaluate(site, "settings.MEDIA_ROOT", MEDIA_ROOT="") == str(site.path / "media")


@pytest.mark.parametrize("backend", ["filesystem", "s3"])
def test_the_development_server_serves_uploads_and_no_other_does(site, bucket_site, start, backend):
    project = bucket_site if backend == "s3" else site
    project.manage("shell", "-c", UPLOAD, DJANGO_DEBUG="1")
    project.manage("collectstatic", "--noinput", RELEASE_ID="one") if backend == "filesystem" else None

    def status(**variables: str) -> int:
        port = free_port()
        command = ("python", "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
        server: Server = start(project, *command, **variables).until_listening(port)
        try:
            with urlopen(f"http://127.0.0.1:{port}/media/cv.txt") as answer:
                assert answer.read() == b"mine"
                return answer.status
        except HTTPError as error:
            return error.code
        finally:
            server.stop()

    assert status(DJANGO_DEBUG="1") == 200
    if backend == "filesystem":
        assert status(RELEASE_ID="one") == 404


def test_in_development_uploads_go_to_the_bucket_only_if_asked_to(bucket_site, server, bucket_name):
    bucket_site.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name}

    bucket_site.manage("shell", "-c", UPLOAD, DJANGO_DEBUG="1")
    assert list(server.names(bucket_name)) == []
    bucket_site.manage("shell", "-c", UPLOAD, DJANGO_DEBUG="1", MEDIA_IN_S3="1")
    assert list(server.names(bucket_name)) == ["media/cv.txt"]
    bucket_site.manage("shell", "-c", UPLOAD)
    assert len(server.names(bucket_name)) == 2
