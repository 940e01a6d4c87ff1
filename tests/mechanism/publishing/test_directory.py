import ctypes
import errno
import hashlib
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from release_static.manifest import Manifest, path
from release_static.publishing import locks, sync
from release_static.publishing.destination import PublishError, Source, StagedFile
from release_static.publishing.directory import Directory
from release_static.publishing.publish import prepare, publish


@pytest.fixture
def directory(tmp_path):
    return Directory(str(tmp_path / "root"))


@pytest.fixture
def lock(directory):
    with locks.shared(directory, pytest.fail) as lock:
        yield lock


def plan_for(files, lock, paths=None):
    """The plan of a release `one` whose manifest contains the hashed files among these."""
    paths = {file.name: file.name for file in files if file.hashed} if paths is None else paths
    existing = lock.existing(file.name for file in files)
    return prepare("one", "production", Manifest(paths, hash="abc", release={}), files, existing, lock.destination)


def manifest(**paths):
    return Manifest(paths, hash="abc", release={"id": "one"}).dump()


def stage(tmp_path, name, content=b"content", hashed=True):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return StagedFile(name, Source.at(str(path)), hashed)


def test_the_manifest_appears_after_every_file(directory, lock, tmp_path):
    files = [stage(tmp_path, f"{n}.txt") for n in range(1200)]
    plan = plan_for(files, lock)

    for _ in publish(plan, directory, lock):
        assert directory.releases() == []

    assert directory.releases() == ["one"]
    assert len(directory.existing(file.name for file in files)) == 1200 + 3  # and the lock, the manifest and its marker


def test_hashed_files_are_put_before_the_originals_that_may_refer_to_them(directory, lock, tmp_path):
    files = [stage(tmp_path, "a.txt", hashed=False), stage(tmp_path, "b.1.txt", hashed=True)]
    plan = plan_for(files, lock)

    assert [file.name for file in publish(plan, directory, lock)] == ["b.1.txt", "a.txt"]


def test_a_manifest_is_written_once(directory):
    directory.write_manifest("one", b"first")

    with pytest.raises(FileExistsError):
        directory.write_manifest("one", b"second")

    assert directory.read(path("one")) == b"first"


def test_of_two_publishers_of_the_same_content_the_slower_one_succeeds(directory, lock, tmp_path):
    plan = plan_for([stage(tmp_path, "a")], lock)
    directory.write_manifest("one", manifest(a="a"))

    assert [file.name for file in publish(plan, directory, lock)] == ["a"]


def test_of_two_publishers_of_other_content_the_slower_one_is_refused(directory, lock, tmp_path):
    plan = plan_for([stage(tmp_path, "a")], lock)
    faster = manifest(b="b.2")
    directory.write_manifest("one", faster)

    with pytest.raises(PublishError, match="published already, with other content"):
        list(publish(plan, directory, lock))
    assert directory.read(path("one")) == faster


def test_a_file_is_complete_whenever_it_is_there(directory, tmp_path, monkeypatch):
    def fill_disk(source, target, length):
        target.write(b"con")
        target.flush()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fill_disk)

    with pytest.raises(OSError, match="No space left"):
        list(directory.upload([stage(tmp_path, "a.txt")]))

    assert os.listdir(directory.root) == [".releases"]
    assert os.listdir(os.path.join(directory.root, ".releases")) == []


def test_a_lock_that_is_asked_for_by_name_keeps_its_time(directory):
    # As by a manifest with an untrusted name.
    lock = f"{locks.PREFIX}exclusive-prune"
    directory.write(lock, b"{}")

    assert directory.existing([lock]) == directory.existing([])


def test_files_and_their_directories_are_synced_before_the_manifest_is_linked(directory, lock, tmp_path, monkeypatch):
    calls = []

    def record(name):
        function = getattr(os, name)

        def recorded(*arguments):
            what = os.readlink(f"/proc/self/fd/{arguments[0]}") if name == "fsync" else arguments[1]
            calls.append((name, os.path.relpath(what, directory.root)))
            return function(*arguments)

        monkeypatch.setattr(os, name, recorded)

    for name in ("fsync", "replace", "link"):
        record(name)

    plan = plan_for([stage(tmp_path, "css/a.css")], lock)
    calls.clear()
    list(publish(plan, directory, lock))

    names = [name for name, _ in calls]
    replaced, linked = names.index("replace"), names.index("link")
    assert calls[replaced] == ("replace", "css/a.css")
    assert names[:replaced] == ["fsync"] * 2  # the file and the marker
    assert {what for name, what in calls[replaced:linked] if name == "fsync"} >= {"css", ".", ".releases"}
    assert calls[linked] == ("link", ".releases/one/staticfiles.json")
    assert ("fsync", ".releases/one") in calls[linked:]


def test_releases_are_listed_latest_first_without_what_is_none(directory):
    for n, release_id in enumerate(["one", "two", "three"]):
        directory.write_manifest(release_id, b"{}")
        os.utime(directory.location(path(release_id)), (n, n))
    os.makedirs(os.path.join(directory.root, ".releases", "empty"))

    assert directory.releases() == ["three", "two", "one"]


def test_a_manifest_that_is_being_written_is_no_release(directory, monkeypatch):
    link, seen = os.link, []

    def look_and_link(*arguments):
        seen.append((directory.releases(), list(directory.entries())))
        link(*arguments)

    monkeypatch.setattr(os, "link", look_and_link)

    directory.write_manifest("one", b"{}")

    assert seen == [([], [])]
    assert directory.releases() == ["one"]


def test_entries_are_all_files_with_a_prefix_and_when_they_came(directory, tmp_path):
    before = time.time() - 1
    list(directory.upload([stage(tmp_path, "css/a.css"), stage(tmp_path, "css-b.txt", b"")]))
    os.utime(os.path.join(directory.root, "css/a.css"), (0, 0))
    directory.write(".releases/one/pinned.json", b"{}")
    os.utime(directory.location(".releases/one/pinned.json"), (5, 5))

    with directory.private_directory() as private:
        (private / "stage.txt").touch()
        found = {entry.name: entry for entry in directory.entries()}

    assert {name: entry.size for name, entry in found.items()} == {
        "css/a.css": 7,
        "css-b.txt": 0,
        ".releases/one/pinned.json": 2,
    }
    # A published file has the time stamp of its source, what is ours its own.
    assert before < found["css/a.css"].modified < time.time() + 1
    assert found[".releases/one/pinned.json"].modified == 5
    assert [entry.name for entry in directory.entries("css/")] == ["css/a.css"]
    assert {entry.name for entry in directory.entries("css")} == {"css/a.css", "css-b.txt"}
    assert [entry.name for entry in directory.entries(".releases/o")] == [".releases/one/pinned.json"]


def test_what_is_read_digested_or_deleted_need_not_exist(directory):
    directory.write(".releases/one/pinned.json", b"content")
    names = [".releases/one/pinned.json", ".releases/one/none", "none/none"]

    assert dict(directory.read_many(names)) == {names[0]: b"content", names[1]: None, names[2]: None}
    md5 = hashlib.md5(b"content").hexdigest()
    assert dict(directory.digests(names)) == {names[0]: md5, names[1]: None, names[2]: None}
    directory.delete(names)

    assert list(directory.entries()) == []
    assert os.listdir(os.path.join(directory.root, ".releases")) == []


def test_folders_of_published_files_stay_for_a_publisher_who_is_about_to_use_them(directory, tmp_path):
    list(directory.upload([stage(tmp_path, "css/a.css")]))

    directory.delete(["css/a.css"])

    assert os.path.isdir(os.path.join(directory.root, "css"))


def test_a_deletion_survives_a_crash_once_it_is_synced(directory, tmp_path, monkeypatch):
    list(directory.upload([stage(tmp_path, "css/a.css")]))
    directory.write_manifest("one", b"{}")
    synced = []
    monkeypatch.setattr("release_static.publishing.writer.sync", lambda paths, root: synced.extend(paths))

    directory.delete(["css/a.css", ".releases/one/staticfiles.json"])
    directory.sync()

    assert {directory.location("css"), directory.location(".releases")} <= set(synced)


def test_many_files_are_synced_with_one_call_for_their_file_system(directory, tmp_path, monkeypatch):
    calls = []

    def see(path, function):
        calls.append((os.path.relpath(path, directory.root), getattr(function, "__name__", "")))
        synced(path, function)

    synced = sync._sync
    monkeypatch.setattr(sync, "_sync", see)

    list(directory.upload([stage(tmp_path, f"{number}.css") for number in range(20)]))

    assert calls == [(".", "sync_file_system")]


def test_a_disk_that_does_not_take_a_file_system_is_an_error(directory, tmp_path, monkeypatch):
    class Library:
        def syncfs(self, descriptor):
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: Library())

    with pytest.raises(OSError, match="Input/output error"):
        list(directory.upload([stage(tmp_path, f"{number}.css") for number in range(20)]))


def no_library(*arguments, **options):
    raise OSError("no library is loaded into this Python")


def not_implemented(*arguments, **options):
    ctypes.set_errno(errno.ENOSYS)
    return -1


@pytest.mark.parametrize(
    "without",
    [
        lambda patch: patch.setattr(ctypes, "CDLL", lambda *arguments, **options: object()),
        lambda patch: patch.setattr(ctypes, "CDLL", no_library),
        lambda patch: patch.setattr(ctypes, "CDLL", lambda *_, **options: SimpleNamespace(syncfs=not_implemented)),
        lambda patch: patch.setitem(sys.modules, "ctypes", None),
        lambda patch: patch.setattr(os, "uname", lambda: SimpleNamespace(release="5.4.0-216-generic")),
    ],
    ids=["no such call", "no library", "a sandbox", "no ctypes", "a Linux that does not tell of errors"],
)
def test_where_a_file_system_cannot_be_synced_each_file_is(tmp_path, monkeypatch, without):
    paths = [str(tmp_path / str(number)) for number in range(20)]
    for file in paths:
        Path(file).touch()
    synced = []
    without(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))

    sync.sync(paths, str(tmp_path))

    assert synced == paths


def test_locks_are_listed_before_the_files_that_they_protect(directory, tmp_path):
    list(directory.upload([stage(tmp_path, "a.css")]))
    directory.write(".releases/.lock-exclusive-prune", b"{}")

    def names_while_a_prune_ends():
        yield "a.css"
        directory.delete(["a.css", ".releases/.lock-exclusive-prune"])

    existing = directory.existing(names_while_a_prune_ends())

    assert set(existing) == {"a.css", ".releases/.lock-exclusive-prune"}
