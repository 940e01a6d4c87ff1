"""Which releases expire and which files go with them, for releases, clocks and files of every kind."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from release_static.manifest import RELEASES, beside, path
from release_static.publishing.destination import Entry
from release_static.publishing.locks import exclusive
from release_static.publishing.marker import EXPIRED, PINNED, environment, timestamp
from release_static.releases.inventory import read_releases
from release_static.releases.prune import prepare, prune
from release_static.releases.retention import (
    Policy,
    Release,
    Usage,
    environments,
    history,
    superseded,
    sweep,
    usage,
)
from tests.mechanism.publishing.bucket import Bucket, Clock

NOW = datetime(2026, 11, 23, tzinfo=UTC)

# Few and nasty: hashed names that are originals elsewhere, compressed copies, a name in .releases/, foreign files.
NAMES = [
    "a.txt",
    "a.0123456789ab.txt",
    "a.0123456789ab.txt.gz",
    "a.0123456789ab.txt.br",
    "a.0123456789ab.txt.map",
    "a.ffffffffffff.txt",
    "b/b",
    "b/b.0123456789ab",
    "b/b.0123456789ab.gz",
    "b/b.0123456789ab.gz.gz",
    ".releases/r0/staticfiles.json",
]
SUFFIXES = ("", ".gz", ".br", ".map")
IDS = [f"r{n}" for n in range(7)]
# Some equal, some ahead of this machine's clock.
times = st.integers(-3, 60).map(lambda days: NOW - timedelta(days=days))
paths = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), min_size=1, max_size=4)


@st.composite
def destinations(draw):
    """A bucket with releases written by this project, by Django and by hand, and other files."""
    bucket = Bucket({}, Clock())
    named = set()
    for release_id in draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1)):
        stored = {"version": "1.1", "hash": "abc", "paths": draw(paths)}
        created_at = timestamp(draw(times))
        # What a publisher's clock says decides nothing.
        match draw(st.sampled_from(["ours", "ours", "ours", "copied by hand", "Django's own", "no time"])):
            case "ours":
                stored["release"] = {"id": release_id, "created_at": created_at}
            case "copied by hand":
                stored["release"] = {"id": "another", "created_at": created_at}
            case "no time":
                stored["release"] = {
                    "id": release_id,
                    "created_at": draw(st.sampled_from(["yesterday", "2026-11-23T01:02:03", None])),
                }
        bucket.objects[path(release_id)] = (json.dumps(stored).encode(), draw(times).timestamp())
        for name in draw(st.sets(st.sampled_from([PINNED, environment("production"), environment("staging")]))):
            content = draw(st.sampled_from([b"{}", b"{}", b""]))
            bucket.objects[beside(release_id, name)] = (content, draw(times).timestamp())
        named |= {name for name in stored["paths"].values() if not name.startswith(RELEASES)}
    for release_id in draw(st.sets(st.sampled_from(IDS), max_size=2)):
        stored = {"version": "1.1", "hash": "abc", "paths": draw(paths)}
        bucket.objects[beside(release_id, EXPIRED)] = (json.dumps(stored).encode(), 0)
    files = named | draw(st.sets(st.sampled_from(NAMES[:-1]))) | {"foreign.txt", ".releases/foreign"}
    bucket.objects |= {name: (b"content", draw(times).timestamp()) for name in files}
    return bucket


policies = st.builds(Policy, keep=st.integers(1, 4), days=st.sampled_from([0, 1, 14, 30]))


def run_prune(bucket, current, policy):
    with exclusive(bucket, print) as lock:
        plan = prepare(bucket, current, policy, NOW)
        for _ in prune(plan, bucket, lock):
            pass
    return plan


def manifests(objects, kind="staticfiles.json"):
    """The paths of each release."""
    names = [name for name in objects if name.startswith(RELEASES) and name.endswith(f"/{kind}")]
    return {name.split("/")[1]: json.loads(objects[name][0])["paths"] for name in names}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(destinations(), policies, st.data())
def test_prune_keeps_what_stays_intact_and_touches_nothing_but_what_expired(bucket, policy, data):
    before = dict(bucket.objects)
    releases = read_releases(bucket).releases
    current = data.draw(st.sampled_from(releases)).id

    run_prune(bucket, current, policy)

    after = bucket.objects
    stay, were = manifests(after), manifests(before)
    gone = {name for name in before if name not in after}
    assert set(after) <= set(before)
    newest = {history(releases, name)[0][0].id for name in environments(releases)}
    assert {current, *newest, *(release.id for release in releases if release.pinned)} <= set(stay)
    for name in environments(releases):
        assert {release.id for release, _ in history(releases, name)[: policy.keep]} <= set(stay)
    for paths_of in stay.values():
        for hashed in set(paths_of.values()) - {NAMES[-1]}:
            for name in (hashed + suffix for suffix in SUFFIXES):
                assert (name in after) is (name in before)
    expired = [were[release_id] for release_id in were.keys() - stay.keys()] + list(manifests(before, EXPIRED).values())
    allowed = {hashed + suffix for paths_of in expired for hashed in paths_of.values() for suffix in SUFFIXES}
    # A bundler's files have one name, and are no originals.
    all_paths = [*were.values(), *expired]
    originals = {name for paths_of in all_paths for name, hashed in paths_of.items() if name != hashed}
    files = {name for name in gone if not name.startswith(RELEASES)}
    assert files <= allowed - originals
    # All of it is gone, but for what is still needed.
    needed = {hashed for paths_of in stay.values() for hashed in paths_of.values()}
    wanted = {hashed for paths_of in expired for hashed in paths_of.values()} & before.keys()
    assert {name for name in wanted - originals - needed if name.rpartition(".")[0] not in needed} - {
        name for name in wanted if name.startswith(RELEASES)
    } <= files
    assert manifests(after, EXPIRED) == {}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(destinations(), policies, st.data())
def test_pruning_twice_is_the_same_as_pruning_once(bucket, policy, data):
    current = data.draw(st.sampled_from(read_releases(bucket).releases)).id
    run_prune(bucket, current, policy)
    once = dict(bucket.objects)

    plan = run_prune(bucket, current, policy)

    assert bucket.objects == once
    assert (plan.expired, plan.interrupted, plan.files) == ([], [], [])


def release(release_id, days_ago, *hashed, pinned=False, **published):
    """`days_ago` in production; `published` has the days for other environments."""
    days = ({} if days_ago is None else {"production": days_ago}) | published
    at = {name: NOW - timedelta(days=count) for name, count in days.items()}
    return Release(release_id, hashed, max(at.values(), default=NOW), at, pinned=pinned)


def reasons(releases, current="none", **policy):
    decisions = Policy(**policy).apply(releases, current, NOW)
    return {
        decision.release.id: tuple(" ".join(filter(None, why)) for why in decision.reasons) for decision in decisions
    }


def test_a_release_stays_until_it_is_both_out_of_the_newest_and_long_superseded():
    releases = [release(str(days), days) for days in (1, 10, 20, 30, 40, 50)]

    assert reasons(releases, keep=2, days=14) == {
        "1": ("newest production",),
        "10": ("newest production",),
        "20": ("recent production",),  # superseded 10 days ago
        "30": (),
        "40": (),
        "50": (),
    }
    assert not any(reasons(releases, keep=6, days=0)[str(days)] == () for days in (1, 10, 20, 30, 40, 50))


def test_a_release_that_was_live_until_a_moment_ago_stays_however_old_it_is():
    assert reasons([release("new", 0), release("old", 400)], keep=1, days=14)["old"] == ("recent production",)


def test_the_current_and_the_pinned_release_stay():
    releases = [release("new", 40), release("newer", 30), release("pinned", 50, pinned=True), release("current", 60)]

    assert reasons(releases, current="current", keep=1, days=14) == {
        "newer": ("newest production",),
        "new": (),
        "pinned": ("pinned",),
        "current": ("current",),
    }


def test_each_environment_keeps_its_own_releases():
    # The scene that lost production's live release: staging moves fast, production rarely.
    releases = [release(f"r{days}", None, staging=days) for days in range(20)]
    releases.append(release("live", 60, staging=61))
    releases.append(release("old", 90, staging=90))

    found = reasons(releases, current="r0", keep=2, days=7)

    assert found["live"] == ("newest production",)
    assert found["old"] == ("newest production",)
    assert reasons(releases, current="r0", keep=1, days=7)["old"] == ()
    assert found["r0"] == ("current", "newest staging") and found["r7"] == ("recent staging",)
    assert found["r9"] == ()


@pytest.mark.parametrize("current", ["r1", "live"])
def test_which_environment_prunes_makes_no_difference(current):
    releases = [release("live", 60), *(release(f"r{days}", None, staging=days) for days in range(1, 20))]

    assert reasons(releases, current=current, keep=1, days=0).keys() == reasons(releases, keep=1, days=0).keys()
    kept = {name for name, why in reasons(releases, current=current, keep=1, days=0).items() if why}
    assert kept == {"live", "r1"}


def test_a_release_in_no_environment_expires():
    assert reasons([release("retired", None), release("live", 400)], keep=5, days=14) == {
        "retired": (),
        "live": ("newest production",),
    }


def test_superseded_is_when_the_next_release_was_published_in_that_environment():
    releases = [release("a", 3, staging=9), release("b", 2), release("c", 1, staging=5)]

    def days(count):
        return NOW - timedelta(days=count)

    assert superseded(releases) == {
        "a": {"production": days(2), "staging": days(5)},
        "b": {"production": days(1)},
        "c": {"production": None, "staging": None},
    }


def test_the_order_of_equal_times_is_always_the_same():
    releases = [release(release_id, 1) for release_id in "abc"]
    first = replace(releases[2], created_at="2026-11-22T00:00:00.001Z")
    second = replace(releases[0], created_at="2026-11-22T00:00:00.002Z")

    assert history(releases, "production") == history(releases[::-1], "production")
    # Within one second, what the publishers' clocks said decides.
    assert [release for release, _ in history([first, second], "production")] == [second, first]


def test_sweep_deletes_compressed_copies_and_source_maps_but_not_those_of_what_stays():
    names = ("x.1.js", "x.1.js.gz", "x.1.js.br", "x.1.js.map", "x.1.js.txt", "y.1.js", "y.1.js.gz", "y.1.js.map")
    entries = [Entry(name, 1, 0) for name in names]

    swept = sweep(entries, kept={"y.1.js"}, expired={"x.1.js", "y.1.js.gz"}, originals=set())

    assert [entry.name for entry in swept] == ["x.1.js", "x.1.js.gz", "x.1.js.br", "x.1.js.map"]


def test_usage_counts_compressed_copies_and_what_only_one_release_names():
    releases = [release("one", 2, "shared.1", "only.1"), release("two", 1, "shared.1", "missing.1")]
    entries = [
        Entry("shared.1", 1, 0),
        Entry("shared.1.gz", 10, 0),
        Entry("only.1", 100, 0),
        Entry("only.1.br", 1000, 0),
    ]

    found = usage(releases, [*entries, Entry("foreign", 5, 0)])

    assert found["one"] == Usage(files=4, size=1111, own=1100)
    assert found["two"] == Usage(files=2, size=11, own=0)
