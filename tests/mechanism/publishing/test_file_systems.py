"""File systems and static roots other than an empty folder on a local disk."""

import ctypes
import errno
import os
import shutil
import subprocess
import time

import pytest
from django.core.management import CommandError

from release_static.publishing.directory import Directory
from tests.mechanism.releases.command import published, releases

ONE_AT_A_TIME = "two processes that publish the same release at once are not detected"


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """A folder on rclone's FUSE file system, which has no hard links. If it cannot be mounted, hard links are disabled."""
    behind, mount = tmp_path / "behind", tmp_path / "mount"
    behind.mkdir()
    mount.mkdir()
    command = [shutil.which("rclone") or "false", "mount", behind, mount, "--vfs-cache-mode=writes"]
    command += ["--vfs-write-back=0s", "--config=/dev/null", f"--cache-dir={tmp_path / 'cache'}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not mount.is_mount() and process.poll() is None:
        time.sleep(0.05)
    if process.poll() is not None:

        def refuse(source, target):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
    yield mount
    process.terminate()
    process.wait()


def test_a_file_system_without_hard_links(site, settings, mount):
    (mount / "one").touch()
    with pytest.raises(PermissionError):
        os.link(mount / "one", mount / "two")
    site.root = settings.STATIC_ROOT = mount / "static"

    assert ONE_AT_A_TIME in site.publish("one")
    assert site.read("one", "example.txt") == "old"
    assert "nothing to do" in (again := site.publish("one")) and "Warning" not in again

    site.write("example.txt", "new")
    with pytest.raises(CommandError, match="published already, with other content"):
        site.publish("one")
    site.publish("two")

    assert "intact" in releases("verify", "--all")[0]
    releases("prune", "--keep=1", "--days=0")
    # The mount may refuse for a moment to remove a temporary directory, which then stays for a day.
    assert [name for name in os.listdir(site.root / ".releases") if not name.startswith(".tmp-")] == ["two"]
    assert len(list(site.root.glob("example.*.txt"))) == 1
    assert "intact" in releases("verify")[0]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_manifest_is_written_once_without_hard_links_too(tmp_path, monkeypatch, number):
    def refuse(source, target):
        raise OSError(number, os.strerror(number), source, None, target)

    monkeypatch.setattr(os, "link", refuse)
    directory = Directory(str(tmp_path))

    directory.write_manifest("one", b"first")
    assert [ONE_AT_A_TIME in warning for warning in directory.warnings] == [True]
    with pytest.raises(FileExistsError):
        directory.write_manifest("one", b"second")

    assert directory.read(".releases/one/staticfiles.json") == b"first"
    assert os.listdir(tmp_path / ".releases") == ["one"]


def test_another_error_is_not_taken_for_a_file_system_without_hard_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(OSError, match="Input/output error"):
        Directory(str(tmp_path)).write_manifest("one", b"first")


def test_a_temporary_directory_that_cannot_be_removed_yet_ends_no_publication(site, monkeypatch):
    remove = os.rmdir

    def refuse(path, **options):
        if str(path).rpartition("/")[2].startswith(".tmp-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)  # as rclone's mount sometimes does
        remove(path, **options)

    monkeypatch.setattr(os, "rmdir", refuse)
    assert "Release one: " in site.publish("one")
    monkeypatch.undo()

    left = [path for path in (site.root / ".releases").iterdir() if path.name.startswith(".tmp-")]
    assert left
    assert "intact" in releases("verify")[0]
    for path in left:
        os.utime(path, (1, 1))
    site.publish("one")
    assert os.listdir(site.root / ".releases") == ["one"]


@pytest.fixture
def without_privileges():
    """Make permissions apply to this process, even if it runs as root."""
    libc, header = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0)
    capabilities = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, capabilities) == 0
    effective = capabilities[0]
    capabilities[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, capabilities) == 0
    yield
    capabilities[0] = effective
    assert libc.capset(header, capabilities) == 0


def test_a_directory_that_cannot_be_read_is_not_ours(site, without_privileges):
    (site.root / "lost+found").mkdir(parents=True, mode=0)
    site.publish("one")
    site.write("example.txt", "new")
    site.publish("two")

    assert "two" in releases()[0]
    assert "intact" in releases("verify", "--all")[0]
    releases("prune", "--keep=1", "--days=0")

    assert published(site) == ["two"]
    assert len(list(site.root.glob("example.*.txt"))) == 1


@pytest.mark.parametrize("folder", [".", ".releases", ".releases/one"])
def test_what_is_ours_and_cannot_be_read_is_an_error(site, without_privileges, folder):
    site.publish("one")
    (site.root / folder).chmod(0)

    try:
        with pytest.raises(CommandError, match="Permission denied"):
            releases()
    finally:
        (site.root / folder).chmod(0o755)


def test_a_static_root_that_cannot_be_written_to_is_an_error_that_names_it(site, without_privileges):
    site.publish("one")
    (site.root / ".releases").chmod(0o555)

    try:
        with pytest.raises(CommandError) as caught:
            site.publish("two")
    finally:
        (site.root / ".releases").chmod(0o755)
    assert str(caught.value).startswith(
        f"Release two could not be published to STATIC_ROOT ({site.root}): Permission denied ({site.root / '.releases'}).\n"
        "Files published so far: 0."
    )


def test_files_behind_a_link_to_a_directory_are_published_and_verified_but_never_deleted(site, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    site.root.mkdir()
    (site.root / "css").symlink_to(elsewhere)
    for release_id in ("one", "two"):
        site.write("css/home.css", release_id)
        site.write("example.txt", release_id)
        site.publish(release_id)

    assert len(list(elsewhere.iterdir())) == 3
    assert "intact" in releases("verify", "--all")[0]
    releases("prune", "--keep=1", "--days=0")

    assert len(list(elsewhere.iterdir())) == 3
    assert len(list(site.root.glob("example.*.txt"))) == 1
    hashed = elsewhere / site.manifest("two")["paths"]["css/home.css"].removeprefix("css/")
    hashed.unlink()
    with pytest.raises(CommandError, match=r"css/home\.\w+\.css is missing"):
        releases("verify")
    assert "Repaired 1 of 1 files" in releases("verify", "--repair")[0]
    assert hashed.read_text() == "two"


def test_the_directory_of_releases_may_be_a_link(site, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    site.root.mkdir()
    (site.root / ".releases").symlink_to(tmp_path / "elsewhere")
    for release_id in ("one", "two"):
        site.write("example.txt", release_id)
        site.publish(release_id)

    assert "two" in releases()[0]
    assert "intact" in releases("verify", "--all")[0]
    releases("prune", "--keep=1", "--days=0")

    assert os.listdir(tmp_path / "elsewhere") == ["two"]
    assert len(list(site.root.glob("example.*.txt"))) == 1


@pytest.mark.parametrize(("mode", "expected"), [(None, 0o640), (0o644, 0o644), (0o600, 0o600)])
def test_permissions_are_those_of_the_setting_or_follow_the_umask(site, settings, mode, expected):
    settings.FILE_UPLOAD_PERMISSIONS = mode
    umask = os.umask(0o027)
    try:
        site.publish("one")
    finally:
        os.umask(umask)

    modes = {path.name: path.stat().st_mode & 0o777 for path in site.root.rglob("*") if path.is_file()}
    assert len(modes) == 4 and set(modes.values()) == {expected}


def test_what_a_killed_publisher_left_is_removed_once_it_is_old(site):
    site.publish("one")
    for name in ("killed", "killed-now", ".tmp-killed", ".tmp-killed-now"):
        (site.root / ".releases" / name).mkdir()
    for name in ("one", "killed", ".tmp-killed"):
        os.utime(site.root / ".releases" / name, (1, 1))

    site.publish("one")

    assert sorted(os.listdir(site.root / ".releases")) == [".tmp-killed-now", "killed-now", "one"]


def test_prune_deletes_what_stands_beside_no_manifest(site):
    site.publish("one")
    for name in ("gone/pinned.json", "gone/environment-production.json", "one/pinned.json"):
        site.root.joinpath(".releases", name).parent.mkdir(exist_ok=True)
        site.root.joinpath(".releases", name).write_text("{}")

    releases("prune", "--dry-run")
    assert (site.root / ".releases/gone/pinned.json").exists()
    releases("prune")

    assert os.listdir(site.root / ".releases") == ["one"]
    assert sorted(os.listdir(site.root / ".releases/one")) == [
        "environment-production.json",
        "pinned.json",
        "staticfiles.json",
    ]


def test_a_link_to_another_file_system_is_explained(site, monkeypatch):
    replace = os.replace

    def cross(source, target):
        if "css/" in os.path.relpath(target, site.root):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", cross)
    site.write("css/home.css", "old")

    with pytest.raises(CommandError, match=r"css/home\S* is not on the same file system as \S*/\.releases"):
        site.publish("one")
