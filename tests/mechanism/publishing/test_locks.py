import os
import signal
import subprocess
import sys
import time
from threading import Event, Thread

import pytest

from release_static.publishing import locks, marker
from release_static.publishing.directory import Directory
from release_static.publishing.locks import EXCLUSIVE, LIFETIME, MARGIN, PREFIX, SHARED, LockError, exclusive, shared


@pytest.fixture
def destination(tmp_path):
    return Directory(str(tmp_path))


def names(destination):
    return sorted(entry.name.removeprefix(PREFIX).partition("-")[0] for entry in destination.entries(PREFIX))


def lock_of_another(destination, kind, age=0):
    """A lock file of a process that has held it for `age` seconds."""
    name = f"{PREFIX}{kind}-other"
    destination.write(name, marker.content())
    os.utime(destination.location(name), (time.time() - age, time.time() - age))
    return name


def test_a_shared_lock_is_held_when_what_exists_is_listed_and_released_at_the_end(destination, tmp_path):
    (tmp_path / "a.css").touch()

    with shared(destination, pytest.fail) as lock:
        existing = lock.existing(["a.css", "b.css"])
        assert set(existing) == {"a.css", lock.name}
        assert names(destination) == [SHARED]

    assert names(destination) == []


def test_a_lock_is_written_in_the_background(tmp_path):
    class Distant(Directory):
        staged = Event()

        def write(self, name, content):
            assert self.staged.wait(60)
            super().write(name, content)

    destination = Distant(str(tmp_path))

    with shared(destination, pytest.fail) as lock:
        destination.staged.set()
        existing = lock.existing()

    assert lock.name in existing


def test_no_lock_is_left_where_staging_fails(destination, tmp_path):
    with pytest.raises(ValueError, match="a dangling reference"), shared(destination, pytest.fail):
        raise ValueError("a dangling reference")

    assert names(destination) == []
    assert not any(name.startswith(".tmp-") for name in os.listdir(tmp_path / ".releases"))


def test_publishers_share_their_lock(destination):
    with shared(destination, pytest.fail) as one, shared(destination, pytest.fail) as other:
        one.existing()
        other.existing()
        assert names(destination) == [SHARED, SHARED]


def test_a_publisher_lets_a_prune_go_first(destination):
    prune, said = lock_of_another(destination, EXCLUSIVE), []

    def end_the_prune(line):
        said.append(line)
        Thread(target=end_later).start()

    def end_later():
        time.sleep(0.2)
        seen.extend(names(destination))
        destination.delete([prune])

    seen: list[str] = []
    with shared(destination, end_the_prune) as lock:
        assert prune not in lock.existing()

    assert seen == [EXCLUSIVE]  # without the lock of the publisher, which waits
    [line] = said
    assert line.startswith(f"Waiting for a prune: {marker.who()}, since ")
    assert destination.location(prune) in line


def test_a_prune_waits_for_the_publishers_at_work_but_not_for_those_that_come_later(destination):
    publisher, said = lock_of_another(destination, SHARED), []

    def end_the_publication(line):
        said.append(line)
        destination.write(f"{PREFIX}{SHARED}-later", marker.content())
        Thread(target=end_later).start()

    def end_later():
        time.sleep(0.2)
        destination.delete([publisher])

    with exclusive(destination, end_the_publication, wait=60):
        assert names(destination) == [EXCLUSIVE, SHARED]

    assert len(said) == 1 and destination.location(publisher) in said[0]


def test_a_prune_gives_up_after_the_time_that_it_may_wait(destination):
    lock_of_another(destination, SHARED)

    message = "Nothing was deleted: after 0.1 seconds a publication is still running"
    with pytest.raises(LockError, match=message), exclusive(destination, lambda line: None, wait=0.1):
        pytest.fail("did not wait")

    assert names(destination) == [SHARED]


def test_two_prunes_do_not_run_at_once(destination):
    lock_of_another(destination, EXCLUSIVE)

    with pytest.raises(LockError, match="another prune is running"), exclusive(destination, pytest.fail):
        pytest.fail("did not stop")

    assert names(destination) == [EXCLUSIVE]


@pytest.mark.parametrize("kind", [SHARED, EXCLUSIVE])
def test_the_lock_of_a_process_that_was_killed_counts_for_a_fixed_time(destination, kind):
    other = lock_of_another(destination, kind, age=LIFETIME[kind] - 5)
    with pytest.raises(LockError, match="ends in 1 minute;"), exclusive(destination, lambda line: None, wait=0):
        pytest.fail("did not stop")

    lock_of_another(destination, kind, age=LIFETIME[kind] + 5)
    with exclusive(destination, pytest.fail, wait=0), shared(destination, pytest.fail):
        pass
    destination.delete([other])


def test_a_prune_sweeps_locks_that_were_released_or_have_ended(destination):
    destination.write(f"{PREFIX}{SHARED}-released", b"")
    lock_of_another(destination, SHARED, age=LIFETIME[SHARED] + 5)

    with exclusive(destination, pytest.fail):
        pass

    assert names(destination) == []


def test_a_prune_that_may_not_delete_releases_its_lock_by_emptying_it(tmp_path):
    class ReadAndWrite(Directory):
        """A bucket, for credentials without permission to delete."""

        def delete(self, names):
            raise PermissionError("s3:DeleteObject")

        def discard(self, name):
            self.write(name, b"")

    destination = ReadAndWrite(str(tmp_path))
    with exclusive(destination, pytest.fail):
        pass

    with shared(destination, pytest.fail) as lock:
        lock.existing()


@pytest.mark.parametrize("clock", ["time", "monotonic"])
@pytest.mark.parametrize(("kind", "take"), [(SHARED, shared), (EXCLUSIVE, exclusive)])
def test_an_owner_stops_in_time_by_either_of_its_clocks(destination, monkeypatch, kind, take, clock):
    with take(destination, pytest.fail) as lock:
        if kind == SHARED:
            lock.existing()
        lock.check()
        now = getattr(time, clock)
        monkeypatch.setattr(locks.time, clock, lambda: now() + LIFETIME[kind] - MARGIN + 1)
        with pytest.raises(LockError, match="Run the command again: it resumes"):
            lock.check()
        monkeypatch.undo()


def test_a_lock_that_somebody_deleted_is_noticed(destination):
    with shared(destination, pytest.fail) as lock:
        lock.existing()
        destination.delete([lock.name])
        with pytest.raises(LockError, match="was deleted"):
            lock.existing()


HOLDER = """
import sys, time
from release_static.publishing.directory import Directory
from release_static.publishing.locks import exclusive, shared

take = {"shared": shared, "exclusive": exclusive}[sys.argv[2]]
with take(Directory(sys.argv[1]), print) as lock:
    if sys.argv[2] == "shared":
        lock.existing()
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", [SHARED, EXCLUSIVE])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_stop_releases_its_lock(destination, kind, number):
    command = [sys.executable, "-c", HOLDER, destination.root, kind]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    assert names(destination) == [kind]

    process.send_signal(number)

    assert process.wait(30) != 0
    assert names(destination) == []
