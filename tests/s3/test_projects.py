"""A generated project, its processes and a bucket."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import PACKAGES, environment

MANIFEST = "static/.releases/{}/staticfiles.json"


@pytest.fixture
def project(render, virtual_environment, django_version, server, bucket_name):
    python = virtual_environment(django_version, *PACKAGES["s3"])
    project = render(python=python, django_version=django_version, storage_backend="s3")
    project.commit("Start")
    project.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name, "DJANGO_SECRET_KEY": "secret"}
    return project


# One Django is enough where the difference can make none.
one_django = pytest.mark.parametrize("django_version", ["6.1"])


def files(server, bucket_name):
    """The keys of the static files, without what belongs to releases."""
    return [key for key in server.names(bucket_name) if "/.releases/" not in key]


def intact(server, bucket, release_id):
    """Whether the release has a manifest, and every file that it names has the content that its name says."""
    client = server.client()

    def read(key):
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()

    paths = json.loads(read(MANIFEST.format(release_id)))["paths"]
    hashes = {hashed.split(".")[-2]: f"static/{hashed}" for hashed in paths.values() if "." in Path(hashed).stem}
    contents = {md5: read(key) for md5, key in hashes.items()}
    return len(paths) > 100 and all(hashlib.md5(body).hexdigest()[:12] == md5 for md5, body in contents.items())


def test_a_project_publishes_serves_and_tests(project, server, bucket_name):
    release_id = project.run("git", "rev-parse", "HEAD").stdout.strip()
    done = project.manage("collectstatic", "--noinput")

    assert f"Release {release_id}: " in done.stdout
    assert done.stderr == ""
    assert intact(server, bucket_name, release_id)
    assert project.run("git", "status", "--porcelain").stdout == ""
    project.manage("check")
    project.manage("test")
    script = "from django.test import Client; print(Client().get('/', headers={'host': 'localhost'}).text)"
    page = project.manage("shell", "-c", script).stdout
    assert f'href="{server.endpoint}/{bucket_name}/static/pages/home.' in page
    assert release_id in page


@one_django
def test_the_copy_of_the_manifest_lets_a_process_start_without_the_server(project):
    project.manage("collectstatic", "--noinput")
    endpoint = project.variables["AWS_S3_ENDPOINT_URL"]
    # The same address, which now leads nowhere.
    project.variables |= {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}

    script = "from django.templatetags.static import static; print(static('example.txt'))"
    assert f"{endpoint}/" in project.manage("shell", "-c", script).stdout

    (project.path / "staticfiles.json").unlink()
    assert 'proxy URL: "http://127.0.0.1:9' in project.manage("shell", "-c", script, check=False).stderr


@one_django
def test_without_the_bucket_what_needs_it_says_which_variable_is_missing(project):
    del project.variables["AWS_STORAGE_BUCKET_NAME"]
    sentence = "Set AWS_STORAGE_BUCKET_NAME in the environment to the name of the bucket."

    project.manage("check")
    project.manage("test")
    for command in (["collectstatic", "--noinput"], ["collectstatic", "--noinput", "--dry-run"]):
        done = project.manage(*command, check=False)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    for command in (["manage.py", "runserver", "--noreload", "0"], ["-c", "import my_site.wsgi"]):
        done = project.run(project.python, *command, check=False)
        assert done.returncode != 0
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


@one_django
def test_settings_that_contradict_each_other_are_an_error_of_django(project):
    project.variables |= {"STATIC_URL": "https://a.example.com/", "AWS_S3_CUSTOM_DOMAIN": "b.example.com"}

    done = project.manage("collectstatic", "--noinput", check=False)

    assert done.returncode == 1
    assert "STATIC_URL is 'https://a.example.com/', which is not on the host in AWS_S3_CUSTOM_DOMAIN" in done.stderr


@one_django
def test_uploads_are_private_and_do_not_overwrite_each_other(project, server, bucket_name):
    script = (
        "from django.core.files.base import ContentFile\n"
        "from django.core.files.storage import default_storage as storage\n"
        "one, two = (storage.save('a.txt', ContentFile(text)) for text in (b'one', b'two'))\n"
        "print(one, two, storage.url(one), storage.url(two))\n"
    )
    one, two, *urls = project.manage("shell", "-c", script).stdout.split()[-4:]

    assert one != two
    assert sorted(server.names(bucket_name)) == sorted([f"media/{one}", f"media/{two}"])
    assert [urllib.request.urlopen(url).read() for url in urls] == [b"one", b"two"]
    assert all("X-Amz-Signature=" in url and "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url for url in urls)
    if server.is_ceph:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urls[0].partition("?")[0])


@one_django
def test_a_killed_publisher_leaves_no_manifest_and_the_next_run_uploads_what_is_missing(project, server, bucket_name):
    for n in range(400):
        (project.path / "static" / f"{n}.txt").write_text(f"file {n}")
    command = [project.python, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    variables = environment(**project.variables, RELEASE_ID="one")
    publisher = subprocess.Popen(command, cwd=project.path, env=variables)
    deadline = time.monotonic() + 60
    while not files(server, bucket_name) and time.monotonic() < deadline:
        time.sleep(0.01)
    publisher.send_signal(signal.SIGKILL)

    assert publisher.wait() == -signal.SIGKILL
    there = files(server, bucket_name)
    assert there
    assert MANIFEST.format("one") not in server.names(bucket_name)
    done = project.manage("collectstatic", "--noinput", RELEASE_ID="one")
    published, kept = done.stdout.partition("Release one: ")[2].split(" files published, ")
    assert int(kept.split()[0]) >= len(there)
    assert int(published) + int(kept.split()[0]) == len(files(server, bucket_name))
    assert intact(server, bucket_name, "one")


@one_django
@pytest.mark.parametrize("ids", [["one"] * 4, ["one", "two", "three", "four"]], ids=["same release", "four releases"])
def test_four_publishers_at_once(project, server, bucket_name, ids):
    command = [project.python, "manage.py", "collectstatic", "--noinput"]
    publishers = [
        subprocess.Popen(
            command,
            cwd=project.path,
            env=environment(**project.variables, RELEASE_ID=release_id),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for release_id in ids
    ]

    for publisher in publishers:
        output = publisher.communicate()[0].decode()
        assert publisher.returncode == 0, output
    assert all(intact(server, bucket_name, release_id) for release_id in set(ids))
    assert sum(name.endswith("/staticfiles.json") for name in server.names(bucket_name)) == len(set(ids))


@one_django
def test_of_four_publishers_of_one_release_with_other_content_each_one_wins(ceph, project, bucket_name):
    command = [project.python, "manage.py", "collectstatic", "--noinput"]
    publishers = []
    for n in range(4):
        folder = project.path / f"static{n}"
        folder.mkdir()
        (folder / "which.txt").write_text(str(n))
        settings = project.path / f"settings{n}.py"
        settings.write_text(f"from my_site.settings import *\nSTATICFILES_DIRS.append(BASE_DIR / 'static{n}')\n")
        variables = environment(**project.variables, RELEASE_ID="one", DJANGO_SETTINGS_MODULE=settings.stem)
        publishers.append(
            subprocess.Popen(command, cwd=project.path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )

    outputs = [publisher.communicate()[0].decode() for publisher in publishers]

    winners = [n for n, publisher in enumerate(publishers) if publisher.returncode == 0]
    assert len(winners) == 1, outputs
    for n, output in enumerate(outputs):
        assert n in winners or "Release one is published already, with other content." in output
    client = ceph.client()
    manifest = client.get_object(Bucket=bucket_name, Key=MANIFEST.format("one"))["Body"].read()
    which = client.get_object(Bucket=bucket_name, Key=f"static/{json.loads(manifest)['paths']['which.txt']}")
    assert which["Body"].read() == str(winners[0]).encode()


@one_django
def test_there_is_a_progress_bar_on_a_terminal_and_none_in_a_log(project):
    log = project.manage("collectstatic", "--noinput", RELEASE_ID="one")
    assert log.stderr == ""
    (project.path / "static" / "example.txt").write_text("new")

    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    command = [project.python, "manage.py", "collectstatic", "--noinput"]
    variables = environment(**project.variables, RELEASE_ID="two")
    with subprocess.Popen(
        command, cwd=project.path, env=variables, stdout=subprocess.PIPE, stderr=terminal
    ) as publisher:
        summary = publisher.communicate()[0].decode()
    os.close(terminal)

    assert "Release two: 2 files published" in summary
    assert "Publishing:   0%" in os.read(ours, 65536).decode()
    os.close(ours)


@one_django
def test_a_project_publishes_over_https(ceph, project, bucket_name):
    project.variables["AWS_S3_ENDPOINT_URL"] = ceph.secure_endpoint

    untrusted = project.manage("collectstatic", "--noinput", check=False, RELEASE_ID="one")
    assert untrusted.returncode == 1
    assert "AWS_CA_BUNDLE" in untrusted.stderr

    project.manage("collectstatic", "--noinput", RELEASE_ID="one", AWS_CA_BUNDLE=str(ceph.authority))
    assert intact(ceph, bucket_name, "one")


def test_a_project_on_disk_moves_to_s3_by_an_update(template, virtual_environment, tmp_path, server, bucket_name):
    def run(*command, **variables):
        done = subprocess.run(
            command, env=environment(**variables), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    copier = (sys.executable, "-m", "copier")
    repository, moved, made = tmp_path / "template", tmp_path / "moved" / "shop", tmp_path / "made" / "shop"
    run("cp", "-R", template, repository)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "First"], ["tag", "v1.0.0"]):
        run("git", "-C", repository, *command)
    run(*copier, "copy", "--defaults", repository, moved)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Start"]):
        run("git", "-C", moved, *command)
    assert not (moved / "release_static" / "s3").exists()

    run(*copier, "update", "--defaults", "--vcs-ref=:current:", "--data=storage_backend=s3", moved)

    run(*copier, "copy", "--defaults", "--data=storage_backend=s3", repository, made)
    assert run("diff", "-r", "--exclude=.git", "--exclude=README.md", moved, made) == ""
    python = virtual_environment("6.1", *PACKAGES["s3"])
    variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name, "RELEASE_ID": "one"}
    run(python, moved / "manage.py", "collectstatic", "--noinput", **variables)
    assert intact(server, bucket_name, "one")


def test_a_project_on_disk_has_nothing_of_s3(render):
    project = render()

    for path in project.path.rglob("*"):
        assert "s3" not in path.name
        text = path.read_text() if path.is_file() else ""
        assert "boto" not in text and "django-storages" not in text
