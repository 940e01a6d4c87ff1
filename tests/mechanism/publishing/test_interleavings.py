"""Publishing and pruning at once, in every order of their storage operations: processes.py says how."""

import functools
import hashlib
import json
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace

import pytest

from release_static.manifest import NAME, RELEASES, Manifest, beside, path
from release_static.publishing import locks, marker, writer
from release_static.publishing.destination import Source, StagedFile
from release_static.publishing.locks import LockError, exclusive, shared
from release_static.publishing.marker import EXPIRED, PINNED
from release_static.publishing.publish import prepare, publish
from release_static.releases import inventory, prune
from release_static.releases.environments import retire
from release_static.releases.inventory import UnknownRelease
from release_static.releases.retention import Policy
from tests.mechanism.publishing.bucket import Bucket, Clock
from tests.mechanism.publishing.disk import Disk, Folder
from tests.mechanism.publishing.processes import World, explore, running, wander

NOW = datetime(2001, 9, 9, tzinfo=UTC)
TWO_HOURS = 2 * 60 * 60
FILES = {"shared.txt": b"shared", "old.txt": b"old", "only.txt": b"only", "new.txt": b"new"}
OLD, LIVE, NEXT = ("shared.txt", "old.txt", "only.txt"), ("shared.txt", "new.txt"), ("shared.txt", "old.txt", "new.txt")


def hashed(name):
    return name.replace(".", f".{hashlib.md5(FILES[name]).hexdigest()[:12]}.")


def manifest(release_id, names, created_at):
    release = {"id": release_id, "created_at": created_at}
    return Manifest({name: hashed(name) for name in names}, "abc", release)


MANIFESTS = {
    "old": manifest("old", OLD, "2001-01-01T00:00:00Z"),
    "live": manifest("live", LIVE, "2001-06-01T00:00:00Z"),
}


def in_memory(objects):
    return Bucket(dict(objects), Clock())


def published(*release_ids):
    objects: dict[str, tuple[bytes, float]] = {}
    for release_id in release_ids:
        for name, hashed_name in MANIFESTS[release_id].paths.items():
            objects |= {name: (FILES[name], 0.0), hashed_name: (FILES[name], 0.0)}
        objects[path(release_id)] = (MANIFESTS[release_id].dump(), 0.0)
        at = 1.0 if release_id == "live" else 0.0
        objects[beside(release_id, marker.environment("production"))] = (b"{}", at)
    return objects


def pruned_halfway():
    """The release `old`, as left behind by a prune that was killed after the first file."""
    objects = published("old", "live")
    objects[beside("old", EXPIRED)] = objects.pop(path("old"))
    del objects[hashed("only.txt")]
    return objects


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged")
    files = {}
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
        files[name] = [
            StagedFile(published, Source.at(str(folder / name)), published != name)
            for published in (name, hashed(name))
        ]
    return files


@pytest.fixture(autouse=True)
def scheduled(monkeypatch):
    """What is random or takes time is the running process's own."""

    def unique():
        running().locks += 1
        return SimpleNamespace(hex=f"{running().name}-{running().locks}")

    now = lambda: running().now
    clock = SimpleNamespace(time=now, monotonic=now, sleep=lambda seconds: running().wait())
    monkeypatch.setattr(locks, "uuid4", unique)
    monkeypatch.setattr(locks, "time", clock)
    monkeypatch.setattr(locks, "ThreadPoolExecutor", InOrder)
    # What is written is part of a state, and must not differ by when the test got there.
    monkeypatch.setattr(marker, "timestamp", lambda at: "2001-09-08T00:00:00Z")
    monkeypatch.setattr(marker, "who", lambda: "somebody")
    monkeypatch.setattr(prune, "BATCH", 2)


class InOrder(Executor):
    """Threads would leave the process that a test steps through."""

    def __init__(self, max_workers=None):
        pass

    def submit(self, function, /, *arguments, **named):
        done: Future = Future()
        done.set_result(function(*arguments, **named))
        return done


def publisher(staged, release_id, environment="production"):
    def run(bucket):
        names = {"old": OLD, "next": NEXT, "again": NEXT}[release_id]
        files = [file for name in names for file in staged[name]]
        paths = {name: hashed(name) for name in names}
        with shared(bucket, lambda line: None) as lock:
            existing = lock.existing(file.name for file in files)
            plan = prepare(release_id, environment, Manifest(paths, "abc", {}), files, existing, bucket)
            for _ in publish(plan, bucket, lock):
                pass

    return run


def pruner(bucket, wait=60):
    with exclusive(bucket, lambda line: None, wait) as lock:
        plan = prune.prepare(bucket, "live", Policy(keep=1, days=0), NOW)
        for _ in prune.prune(plan, bucket, lock):
            pass


def impatient_pruner(bucket):
    pruner(bucket, wait=0)


def pin_old(bucket):
    with shared(bucket, lambda line: None) as lock:
        lock.existing()
        inventory.read_releases(bucket).get("old")
        lock.check()
        bucket.write(beside("old", PINNED), marker.content())


@functools.cache
def named_in(manifest):
    """(name, hashed name) of each file. The same few manifests come up in every order."""
    return json.loads(manifest)["paths"].items()


def broken(world):
    """(release, name) of each file in a published manifest that is missing or has different content."""
    objects = world.bucket.objects
    return [
        (name, hashed_name)
        for name, (content, _) in objects.items()
        if name.startswith(f"{RELEASES}/") and name.endswith(f"/{NAME}")
        for original, hashed_name in named_in(content)
        if objects.get(hashed_name, (b"", 0))[0] != FILES[original]
    ]


def check(world):
    assert not broken(world)
    for process in world.processes:
        # Only a prune gives up, and whoever has held its lock for too long.
        assert process.failed is None or isinstance(process.failed, LockError), process.failed


def finish(world, look):
    """Let all processes finish, one after the other."""
    while world.ready:
        world.go(world.ready[0])
        look(world)


def again(world, *runs):
    """The final content of the same storage when, two hours later, one process after the other uses it."""
    objects = sorted(world.bucket.objects.items(), key=lambda item: item[1][1])
    return _later(tuple((name, content) for name, (content, _) in objects), runs)


@functools.cache
def _later(contents, runs):
    """By then all locks have expired, and only the order of time stamps matters. Many orders end in the same storage."""
    start = Clock().now - TWO_HOURS
    objects = {name: (content, start + order) for order, (name, content) in enumerate(contents)}
    for run in runs:
        later = World(in_memory(objects), {"later": run})
        finish(later, lambda world: None)
        assert later.processes[0].failed is None
        assert not broken(later)
        objects = later.bucket.objects
    return objects


SCENARIOS = {
    "a new release that shares files with an expired one": ("next", published("old", "live")),
    "the expired release again": ("old", published("old", "live")),
    "a release that is half pruned": ("old", pruned_halfway()),
    "a new release that shares files with a half pruned one": ("next", pruned_halfway()),
}


@pytest.fixture(params=SCENARIOS)
def scenario(request, staged):
    """(id of the release that is published, the world in which it is published and pruned)."""
    release_id, objects = SCENARIOS[request.param]
    runs = {"publisher": publisher(staged, release_id), "pruner": pruner}
    return release_id, World(in_memory(objects), runs)


@pytest.mark.parametrize("prune", [pruner, impatient_pruner], ids=["patient", "impatient"])
@pytest.mark.parametrize("situation", SCENARIOS)
def test_no_order_leaves_a_published_manifest_with_a_missing_file(situation, staged, prune):
    release_id, objects = SCENARIOS[situation]
    runs = {"publisher": publisher(staged, release_id), "pruner": prune}
    states = 0
    ends = set()

    def look(world):
        nonlocal states
        states += 1
        check(world)
        if all(not process.alive for process in world.processes):
            publishes, prunes = world.processes
            assert publishes.failed is None
            assert path(release_id) in world.bucket.objects
            ends.add(prunes.failed is None)

    for _ in explore(World(in_memory(objects), runs), look):
        pass

    assert states > 150
    # A prune that waits is never refused; one that does not is, where the publisher came first.
    assert ends == ({True} if prune is pruner else {True, False})


def promoter(staged):
    """Publish the release `old`, which a prune is about to delete, in another environment."""
    return publisher(staged, "old", "staging")


def retire_staging(bucket):
    retire("staging", "production", bucket, lambda line: None)


def published_in_staging(*release_ids):
    objects = published("old", "live")
    return objects | {beside(release_id, marker.environment("staging")): (b"{}", 0.0) for release_id in release_ids}


@pytest.mark.parametrize("victim", [None, 0, 1], ids=["nobody is killed", "publisher killed", "pruner killed"])
def test_no_order_of_promoting_and_pruning_breaks_a_release(staged, victim):
    """The release is kept with all its files, or gone before it was promoted, and then published again."""
    promotes = promoter(staged)
    runs = {"promoter": promotes, "pruner": pruner}
    start = World(in_memory(published("old", "live")), runs)
    kept = 0

    for world in explore(start, check):
        if victim is not None:
            world.processes[victim].kill()
        finish(world, check)
        if victim != 0:
            assert world.processes[0].failed is None
            assert {path("old"), beside("old", marker.environment("staging"))} <= world.bucket.objects.keys()
            objects = again(world, pruner)
            kept += path("old") in objects and hashed("only.txt") in objects
        else:
            again(world, promotes, pruner)

    assert kept or victim == 0


def test_no_order_of_retiring_publishing_and_pruning_breaks_a_release(staged):
    runs = {"retire": retire_staging, "publisher": publisher(staged, "next", "staging"), "pruner": pruner}
    left = set()

    def look(world):
        check(world)
        if all(not process.alive for process in world.processes):
            assert not [process for process in world.processes if process.failed]
            objects = again(world, pruner)
            left.add((path("old") in objects, path("next") in objects))

    start = World(in_memory(published_in_staging("old")), runs)
    for seed in range(300):
        wander(start, look, Random(seed))

    # The release that was only in staging goes, and the new one stays unless it was published before the end of staging.
    assert (False, True) in left and left <= {(False, True), (False, False)}


def test_of_two_publishers_and_a_prune_nobody_breaks_anything_or_starves(staged):
    runs = {"one": publisher(staged, "next"), "other": publisher(staged, "again"), "pruner": pruner}
    pruned = set()

    def look(world):
        check(world)
        if all(not process.alive for process in world.processes):
            assert not [process for process in world.processes if process.failed]
            pruned.add(path("old") not in world.bucket.objects)

    start = World(in_memory(published("old", "live")), runs)
    for seed in range(200):
        wander(start, look, Random(seed))

    assert pruned == {True}


def without_waiting_for_prunes(monkeypatch):
    monkeypatch.setattr(locks.SharedLock, "existing", lambda self, names=(): self.destination.existing(list(names)))


def without_waiting_for_publishers(monkeypatch):
    monkeypatch.setattr(locks, "_wait_for_publishers", lambda *arguments: None)


def with_files_listed_before_locks(monkeypatch):
    def existing(self, names):
        wanted = set(names)
        files = {entry.name: entry for entry in self.entries() if entry.name in wanted}
        return files | {entry.name: entry for entry in self.entries(f"{RELEASES}/")}

    monkeypatch.setattr(Bucket, "existing", existing)


@pytest.mark.parametrize(
    "breach",
    [
        without_waiting_for_prunes,
        without_waiting_for_publishers,
        with_files_listed_before_locks,
    ],
)
def test_with_a_breach_of_the_protocol_such_an_order_is_found(scenario, monkeypatch, breach):
    _, start = scenario
    breach(monkeypatch)
    found = []

    for _ in explore(start, lambda world: found.extend(broken(world))):
        if found:
            return

    pytest.fail("Every order was harmless, so this proves nothing about the locks.")


@pytest.mark.parametrize("victim", [0, 1], ids=["publisher", "pruner"])
def test_a_process_killed_at_any_moment_breaks_nothing_and_the_next_one_completes_its_work(scenario, staged, victim):
    release_id, start = scenario
    afterwards = publisher(staged, release_id), pruner

    for world in explore(start, lambda world: None):
        world.processes[victim].kill()
        finish(world, check)
        # A publisher waits until the lock of a prune that was killed has ended.
        if victim == 1:
            assert world.processes[0].failed is None

        objects = again(world, *afterwards)

        names = {name for release in ("live", release_id) for name in {"live": LIVE, "old": OLD, "next": NEXT}[release]}
        assert {name for name in objects if not name.startswith(RELEASES)} == {*FILES, *map(hashed, names)}
        markers = {name.removeprefix(f"{RELEASES}/") for name in objects if name.startswith(RELEASES)}
        assert markers == {
            f"{name}/{file}"
            for name in ("live", release_id)
            for file in ("staticfiles.json", "environment-production.json")
        }


def test_a_publisher_that_slept_through_a_prune_notices(scenario, staged):
    """It publishes a complete release, or fails, and then running it again completes the release."""
    release_id, start = scenario
    publish_again = publisher(staged, release_id)
    too_late = 0

    for world in explore(start, lambda world: None):
        publishes, prunes = world.processes
        world.bucket.clock.now += TWO_HOURS
        while prunes.alive:
            world.go(1)
            assert not broken(world)
        finish(world, lambda world: None)

        if publishes.failed is None:
            assert path(release_id) in world.bucket.objects
            assert not broken(world)
        else:
            too_late += 1
            assert isinstance(publishes.failed, LockError)
            again(world, publish_again)

    assert too_late


def test_a_prune_that_slept_through_a_publication_stops_at_its_next_step(scenario):
    release_id, start = scenario
    too_late = 0

    for world in explore(start, lambda world: None):
        publishes, prunes = world.processes
        # Nothing can stop the one request that it is about to send.
        if prunes.next == "delete" or not prunes.alive or not publishes.alive:
            continue
        world.bucket.clock.now += TWO_HOURS
        while publishes.alive:
            world.go(0)
        finish(world, check)

        assert publishes.failed is None or isinstance(publishes.failed, LockError)
        assert publishes.failed or path(release_id) in world.bucket.objects
        too_late += isinstance(prunes.failed, LockError)

    assert too_late


@pytest.mark.parametrize("sleeper", [0, 1], ids=["publisher", "pruner"])
def test_one_that_wakes_up_while_the_other_is_at_work(scenario, sleeper):
    release_id, start = scenario
    failures = 0

    def look(world):
        nonlocal failures
        publishes, prunes = world.processes
        if sleeper == 1:
            check(world)
        if all(not process.alive for process in world.processes):
            assert publishes.failed is None or isinstance(publishes.failed, LockError)
            assert prunes.failed is None or isinstance(prunes.failed, LockError)
            failures += world.processes[sleeper].failed is not None
            if publishes.failed is None:
                assert path(release_id) in world.bucket.objects
                assert not broken(world)

    asleep = start.copy()
    asleep.go(sleeper)
    while asleep.processes[sleeper].alive:
        # Nothing can stop the one request that it is about to send.
        if sleeper == 0 or asleep.processes[sleeper].next != "delete":
            two_hours_later = asleep.copy()
            two_hours_later.bucket.clock.now += TWO_HOURS
            for _ in explore(two_hours_later, look):
                pass
        asleep.go(sleeper)

    assert failures


def test_a_prune_that_may_not_delete_holds_nobody_up(staged, monkeypatch):
    monkeypatch.setattr(Bucket, "may_delete", False)
    refused = []

    def refused_pruner(bucket):
        try:
            pruner(bucket)
        except PermissionError as error:
            refused.append(error)

    world = World(in_memory(published("old", "live")), {"pruner": refused_pruner})
    finish(world, check)
    started = world.bucket.clock.now

    later = World(world.bucket, {"publisher": publisher(staged, "next")})
    finish(later, check)

    assert refused and later.processes[0].failed is None
    assert world.bucket.clock.now - started < 60


def test_of_two_prunes_at_once_one_gives_way_or_comes_after_the_other():
    outcomes = set()

    def look(world):
        assert not broken(world)
        if all(not process.alive for process in world.processes):
            assert not {type(process.failed) for process in world.processes} - {type(None), LockError}
            failed = sum(process.failed is not None for process in world.processes)
            outcomes.add(failed)
            assert (path("old") in world.bucket.objects) is (failed == 2)

    for _ in explore(World(in_memory(published("old", "live")), {"one": pruner, "other": pruner}), look):
        pass

    assert outcomes == {0, 1, 2}


def test_a_release_that_is_pinned_stays_and_one_that_is_pruned_cannot_be_pinned():
    outcomes = set()

    def look(world):
        assert not broken(world)
        if all(not process.alive for process in world.processes):
            pins, prunes = world.processes
            there, pinned = path("old") in world.bucket.objects, beside("old", PINNED) in world.bucket.objects
            assert there is pinned is (pins.failed is None)
            assert isinstance(pins.failed, UnknownRelease | None)
            outcomes.add((there, prunes.failed is None))

    for _ in explore(World(in_memory(published("old", "live")), {"pin": pin_old, "pruner": pruner}), look):
        pass

    assert outcomes == {(True, True), (False, True)}


def on_disk(objects, root):
    files = {name: (content, int(modified * 1e9)) for name, (content, modified) in objects.items()}
    return Disk(files, Clock(), Folder(root))


@pytest.mark.parametrize("situation", SCENARIOS)
def test_on_disk_no_order_leaves_a_published_manifest_with_a_missing_file(situation, staged, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "sync", lambda paths, root: None)
    release_id, objects = SCENARIOS[situation]
    runs = {"publisher": publisher(staged, release_id), "pruner": pruner}
    ends = 0

    def look(world):
        nonlocal ends
        check(world)
        if all(not process.alive for process in world.processes):
            ends += 1
            assert path(release_id) in world.bucket.objects

    for _ in explore(World(on_disk(objects, tmp_path), runs), look):
        pass

    assert ends
