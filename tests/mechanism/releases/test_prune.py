"""manage.py releases prune, on disk."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from threading import Timer

import pytest
from django.core.management import CommandError

from release_static.publishing import locks
from release_static.publishing.directory import Directory
from release_static.publishing.marker import timestamp
from tests.mechanism.releases.command import WHITENOISE, backdate, files, published, releases


def test_prune_deletes_expired_releases_with_what_only_they_use(three):
    expired = [three.manifest(release_id)["paths"]["example.txt"] for release_id in ("one",)]
    before = files(three)

    out, _ = releases("prune", "--keep=1", "--days=30")

    assert published(three) == ["three", "two"]
    assert before - files(three) == set(expired)
    assert not (three.root / ".releases" / "one").exists()
    assert "one    expires  superseded 1 month ago" in out
    assert "1 release and 1 file deleted, 3 bytes freed; 2 releases stay." in out
    assert three.read("three", "logo.svg") == "<svg/>"


def test_the_default_is_five_releases_and_fourteen_days(three):
    for n, days in enumerate([10, 9, 8], 4):
        three.write("example.txt", str(n))
        three.publish(str(n))
        backdate(three, str(n), days)

    releases("prune")

    assert published(three) == ["4", "5", "6", "three", "two"]


def test_a_dry_run_shows_the_same_plan_and_deletes_nothing(three):
    before = three.state()

    planned = releases("prune", "--keep=1", "--days=0", "--dry-run", verbosity=2)[0]

    assert three.state() == before
    for release_id in ("one", "two"):
        assert f"Pretending to delete '{three.manifest(release_id)['paths']['example.txt']}'" in planned
    assert "2 releases and 2 files would be deleted, 6 bytes would be freed; 1 release stays." in planned
    done = releases("prune", "--keep=1", "--days=0")[0]
    assert [line for line in planned.splitlines() if "expires" in line or "stays " in line] == [
        line for line in done.splitlines() if "expires" in line or "stays " in line
    ]


def test_prune_deletes_compressed_copies(site):
    for release_id in ("one", "two"):
        site.write("style.css", f"{release_id} {{ color: red }}\n" * 100)
        site.publish(release_id, stage=WHITENOISE)
        backdate(site, release_id, 50 if release_id == "one" else 40)
    name = site.manifest("one")["paths"]["style.css"]
    assert {name, f"{name}.gz", f"{name}.br"} < files(site)

    releases("prune", "--keep=1")

    assert not {name, f"{name}.gz", f"{name}.br"} & files(site)
    kept = site.manifest("two")["paths"]["style.css"]
    assert {kept, f"{kept}.gz", f"{kept}.br", "style.css", "style.css.gz", "style.css.br"} <= files(site)


def test_pinned_releases_and_the_current_one_stay(three):
    releases("pin", "one")
    three.run_release("two")

    releases("prune", "--keep=1", "--days=0")

    assert published(three) == ["one", "three", "two"]
    releases("unpin", "one")
    releases("prune", "--keep=1", "--days=0")
    assert published(three) == ["three", "two"]


def test_an_old_release_that_is_deployed_again_is_young(three):
    three.write("example.txt", "one")
    three.publish("one")
    three.write("example.txt", "four")
    three.publish("four")

    # It was live until four was published, and three until then.
    releases("prune", "--keep=1")

    assert published(three) == ["four", "one", "three"]


def test_a_clock_that_is_ahead_makes_no_release_old(site, monkeypatch):
    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(days=60)

    for release_id in ("one", "two"):
        site.publish(release_id)
    monkeypatch.setattr("release_static.management.commands.releases.datetime", Ahead)

    releases("prune", "--keep=1")

    assert published(site) == ["one", "two"]


def test_prune_refuses_where_this_release_is_not_published(three):
    three.run_release("four")
    before = three.state()

    with pytest.raises(CommandError) as error:
        releases("prune", "--keep=1", "--days=0")

    assert "Release four is not published." in str(error.value)
    assert "Nothing was deleted" in str(error.value)
    assert three.state() == before


@pytest.mark.parametrize(
    "option",
    ["--keep=0", "--keep=-1", "--days=-1", "--days=nan", "--days=never", "--wait=-1", "--wait=301", "--wait=nan"],
)
def test_prune_refuses_options_that_make_no_sense(three, option):
    before = three.state()

    with pytest.raises(CommandError):
        releases("prune", option)

    assert three.state() == before


def test_prune_waits_no_longer_than_it_is_told_and_says_for_whom(three):
    destination = three.storage("three").destination
    with locks.shared(destination, pytest.fail) as lock:
        lock.existing()
        before = three.state()
        started = time.monotonic()

        with pytest.raises(CommandError) as error:
            releases("prune", "--keep=1", "--days=0", "--wait=1")

        assert 1 <= time.monotonic() - started < 10
        assert "Nothing was deleted: after 1 seconds a publication is still running, by " in str(error.value)
        file = next(line.strip() for line in str(error.value).splitlines() if ".lock-" in line)
        assert os.path.exists(file)
        assert three.state() == before
    releases("prune", "--keep=1", "--days=0")
    assert published(three) == ["three"]


def test_prune_waits_for_a_publication_and_then_deletes(three):
    lock = three.root / ".releases/.lock-shared-x"
    lock.write_text("{}")
    ends = Timer(1, lock.unlink)
    ends.start()

    _, err = releases("prune", "--keep=1", "--days=0")

    assert "Waiting for a publication: " in err
    assert f"{lock}\n" in err
    assert published(three) == ["three"]


def test_what_is_published_while_prune_waits_is_kept(three, monkeypatch):
    lock = three.root / ".releases/.lock-shared-x"
    lock.write_text("{}")

    def publish(seconds):
        # As a publisher that had its lock before the prune.
        manifest = json.loads((three.root / ".releases/one/staticfiles.json").read_bytes())
        manifest["release"] |= {"id": "four", "created_at": timestamp(datetime.now(UTC))}
        (three.root / ".releases/four").mkdir()
        (three.root / ".releases/four/staticfiles.json").write_text(json.dumps(manifest))
        lock.unlink()

    monkeypatch.setattr(locks.time, "sleep", publish)

    releases("prune", "--keep=1", "--days=0")

    assert published(three) == ["four", "three"]
    assert three.read("four", "example.txt") == "one"


def test_the_lock_of_a_killed_publisher_counts_for_an_hour(three):
    lock = three.root / ".releases/.lock-shared-dead"
    lock.write_text("{}")
    os.utime(lock, (time.time() - 50 * 60,) * 2)
    with pytest.raises(CommandError, match="its lock ends in 10 minutes"):
        releases("prune", "--keep=1", "--days=0", "--wait=0")

    os.utime(lock, (time.time() - 70 * 60,) * 2)
    releases("prune", "--keep=1", "--days=0", "--wait=0")

    assert published(three) == ["three"]
    assert not lock.exists()


def test_a_publication_waits_for_a_prune_and_outlives_a_killed_one(three, monkeypatch):
    destination = three.storage("three").destination
    waited = []
    with locks.exclusive(destination, pytest.fail):
        [lock] = three.root.glob(".releases/.lock-exclusive-*")

        def sleep(seconds):
            waited.append(seconds)
            os.utime(lock, (time.time() - 16 * 60,) * 2)  # as if it had been killed that long ago
            now = time.monotonic()
            monkeypatch.setattr(locks.time, "monotonic", lambda: now + 16 * 60)

        monkeypatch.setattr(locks.time, "sleep", sleep)
        output = three.publish("four")

    assert len(waited) == 1
    assert "Waiting for a prune: " in output
    assert f"{lock}\n" in output
    assert "four" in published(three)


def test_no_lock_is_left_in_the_end(three):
    releases("prune", "--keep=1", "--days=0")
    with pytest.raises(CommandError):
        releases("prune", "--keep=0")

    assert [path.name for path in three.root.glob(".releases/.*")] == []


def test_a_prune_that_may_not_delete_says_so_and_releases_its_lock(three, monkeypatch):
    def refuse(self, names):
        for name in names:
            raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(Directory, "delete", refuse)
    # As in a bucket, where whoever publishes need not be allowed to delete.
    monkeypatch.setattr(Directory, "discard", lambda self, name: self.write(name, b""))

    with pytest.raises(CommandError, match=r"could not be read or written: Permission denied \(.*staticfiles.json\)"):
        releases("prune", "--keep=1", "--days=0")

    [lock] = three.root.glob(".releases/.lock-*")
    assert lock.read_bytes() == b""
    assert published(three) == ["one", "three", "two"]
    monkeypatch.undo()
    releases("verify", "--all")
    out, _ = releases("prune", "--keep=1", "--days=0")
    assert "2 releases and 2 files deleted" in out
    assert [path.name for path in (three.root / ".releases").iterdir()] == ["three"]


@pytest.mark.parametrize("steps", range(6))
def test_a_prune_whose_lock_may_have_ended_goes_no_further(three, monkeypatch, steps):
    """It checks its clock before each deletion, and before each copy of a manifest."""
    check, delete = locks.Lock.check, Directory.delete
    checks: list[int] = []
    deleted: list[str] = []

    def check_late(self):
        checks.append(len(deleted))
        if len(checks) > steps:
            self._acquired = tuple(at - locks.LIFETIME[locks.EXCLUSIVE] for at in self._acquired)
        check(self)

    def note_and_delete(self, names):
        names = list(names)
        deleted.extend(names)
        delete(self, names)

    monkeypatch.setattr(locks.Lock, "check", check_late)
    monkeypatch.setattr(Directory, "delete", note_and_delete)

    with pytest.raises(CommandError, match="took longer than 10 minutes"):
        releases("prune", "--keep=1", "--days=0")

    # Nothing but its own lock afterwards.
    assert [".lock-" in name for name in deleted[checks[-1] :]] == [True]
    monkeypatch.undo()
    releases("verify", "--all")
    releases("prune", "--keep=1", "--days=0")
    assert published(three) == ["three"]
    assert [path.name for path in (three.root / ".releases").iterdir()] == ["three"]


def test_a_hand_copied_manifest_and_one_of_djangos_own_harm_nothing(three):
    copy = three.root / ".releases/copy/staticfiles.json"
    copy.parent.mkdir()
    copy.write_bytes((three.root / ".releases/one/staticfiles.json").read_bytes())
    django = three.root / ".releases/django/staticfiles.json"
    django.parent.mkdir()
    stored = json.loads((three.root / ".releases/two/staticfiles.json").read_bytes())
    del stored["release"]
    django.write_text(json.dumps(stored))
    # They count from when they were written.
    assert [row.split()[0] for row in releases()[0].splitlines()[1:3]] in (["copy", "django"], ["django", "copy"])
    backdate(three, "django", 50)

    releases("prune", "--keep=1", "--days=0")

    assert published(three) == ["copy", "three"]
    releases("verify", "copy")


def test_a_prune_that_was_killed_is_completed_by_the_next(three, monkeypatch):
    delete = Directory.delete

    def interrupted(self, names):
        names = list(names)
        if any(name.endswith(".txt") for name in names):
            raise KeyboardInterrupt
        delete(self, names)

    monkeypatch.setattr(Directory, "delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        releases("prune", "--keep=1", "--days=0")
    monkeypatch.undo()

    assert published(three) == ["three"]
    _, err = releases()
    assert "A prune of release one was interrupted." in err
    out, _ = releases("prune")
    assert "2 releases and 2 files deleted" in out
    assert [path.name for path in (three.root / ".releases").iterdir()] == ["three"]
