"""manage.py releases, on disk."""

import io
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from release_static.flags import pruning, publishing

from release_static import retention
from release_static.manifest import timestamp

WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
DAY = 24 * 60 * 60


def releases(*arguments, **options):
    """What the command prints, and what it warns of."""
    out, err = io.StringIO(), io.StringIO()
    call_command("releases", *arguments, **{"stdout": out, "stderr": err, **options})
    return out.getvalue(), err.getvalue()


def backdate(site, release_id, days):
    """As if the release had been published that many days ago."""
    published = datetime.now(UTC) - timedelta(days=days)
    manifest = site.root / ".releases" / release_id / "staticfiles.json"
    stored = json.loads(manifest.read_bytes())
    if "release" in stored:
        stored["release"]["created_at"] = timestamp(published)
    manifest.write_text(json.dumps(stored))
    os.utime(manifest, (published.timestamp(), published.timestamp()))


@pytest.fixture
def three(site):
    """Releases that were published 60, 40 and 20 days ago. Each has an example of its own, and all share a logo."""
    site.write("logo.svg", "<svg/>")
    for release_id, days in [("one", 60), ("two", 40), ("three", 20)]:
        site.write("example.txt", release_id)
        site.publish(release_id)
        backdate(site, release_id, days)
    return site


def published(site):
    return sorted(path.parent.name for path in site.root.glob(".releases/*/staticfiles.json"))


def files(site):
    return {name for name in site.state() if not name.startswith(".releases/")}


def test_the_table_has_the_newest_first(three):
    out, err = releases()

    rows = [line.split("  ") for line in out.splitlines()]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert [row[0] for row in rows] == ["RELEASE", "three", "two", "one"]
    assert rows[1][2:] == ["2 weeks ago", "-", "2", "11 bytes", "5 bytes", "current"]
    assert rows[2][2:] == ["1 month ago", "2 weeks ago", "2", "9 bytes", "3 bytes"]
    assert err == ""


def test_releases_of_one_second_are_listed_as_they_were_published(site):
    for release_id in "wxyz"[::-1]:
        site.write("example.txt", release_id)
        site.publish(release_id)

    assert [release["id"] for release in json.loads(releases("--json")[0])["releases"]] == list("wxyz")


def test_json_is_for_machines(three):
    releases("pin", "one")

    data = json.loads(releases("--json")[0])

    assert data["current"] == "three"
    assert data["destination"] == str(three.root)
    assert data["problems"] == []
    one = data["releases"][-1]
    assert one.pop("published_by")
    times = [datetime.fromisoformat(one.pop(name)) for name in ("published_at", "superseded_at")]
    assert [round((datetime.now(UTC) - time) / timedelta(days=1)) for time in times] == [60, 40]
    assert one == {"id": "one", "files": 2, "size": 9, "only_here": 3, "pinned": True, "current": False}


def test_without_an_id_releases_are_listed_and_nothing_is_pruned(three, settings):
    three.run_release(None)

    out, err = releases()

    assert "three" in out and "current" not in out
    assert "This release has no id." in err
    with pytest.raises(CommandError, match="This release has no id"):
        releases("prune")


def test_a_manifest_that_cannot_be_read_is_listed_as_a_problem_and_stops_prune(three):
    (three.root / ".releases/two/staticfiles.json").write_text("{")

    out, err = releases()

    assert "three" in out and "one" in out
    assert ".releases/two/staticfiles.json is not JSON" in err
    before = three.state()
    with pytest.raises(CommandError, match="two/staticfiles.json is not JSON.*nothing was deleted|nothing was deleted"):
        releases("prune", "--keep=1", "--days=0")
    assert three.state() == before


def test_where_nothing_is_published_the_list_says_so(site):
    site.run_release("one")

    assert "There are no releases" in releases()[0]


def test_show_says_what_changed_since_the_one_before(three):
    three.write("new.txt", "new")
    (three.sources / "logo.svg").unlink()
    three.write("example.txt", "four")
    three.publish("four")

    out = releases("show", "four")[0]

    assert "Since three: 1 added, 1 changed, 1 removed\n+ new.txt\n~ example.txt\n- logo.svg\n" in out
    data = json.loads(releases("show", "four", "--json")[0])
    assert data["changes"] == {"added": ["new.txt"], "changed": ["example.txt"], "removed": ["logo.svg"]}
    assert data["paths"] == three.manifest("four")["paths"]
    assert "It is the first." in releases("show", "one")[0]


@pytest.mark.parametrize("command", ["show", "pin", "unpin"])
def test_a_release_that_is_not_there(three, command):
    with pytest.raises(CommandError) as error:
        releases(command, "four")

    assert str(error.value).startswith("Release four is not published.")
    assert "looked at: " in str(error.value)
    assert "three, two, one" in str(error.value)


def test_prune_deletes_expired_releases_with_what_only_they_use(three):
    expired = [three.manifest(release_id)["paths"]["example.txt"] for release_id in ("one",)]
    before = files(three)

    out, _ = releases("prune", "--keep=1", "--days=30")

    assert published(three) == ["three", "two"]
    assert before - files(three) == set(expired)
    assert not (three.root / ".releases" / "one").exists()
    assert "one    expires  superseded 1 month ago" in out
    assert "1 release and 1 files deleted, 3 bytes freed; 2 releases stay." in out
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


def test_prune_takes_compressed_siblings_along(site):
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


def test_prune_refuses_where_this_release_is_not_published(three):
    three.run_release("four")
    before = three.state()

    with pytest.raises(CommandError) as error:
        releases("prune", "--keep=1", "--days=0")

    assert "Release four is not published." in str(error.value)
    assert "nothing was deleted" in str(error.value)
    assert three.state() == before


@pytest.mark.parametrize("option", ["--keep=0", "--keep=-1", "--days=-1", "--days=nan", "--days=never"])
def test_prune_refuses_to_keep_nothing(three, option):
    before = three.state()

    with pytest.raises(CommandError):
        releases("prune", option)

    assert three.state() == before


def test_prune_gives_way_to_a_publication_and_says_whose_it_is(three):
    destination = three.storage("three").destination
    with publishing(destination, pytest.fail):
        before = three.state()

        with pytest.raises(CommandError) as error:
            releases("prune", "--keep=1", "--days=0")

        assert "Somebody else is publishing: " in str(error.value)
        flag = next(line.strip() for line in str(error.value).splitlines() if ".flag-" in line)
        assert os.path.exists(flag)
        assert three.state() == before
    releases("prune", "--keep=1", "--days=0")
    assert published(three) == ["three"]


def test_the_flag_of_a_killed_publisher_counts_for_an_hour(three):
    flag = three.root / ".releases/.flag-publishing-dead"
    flag.write_text("{}")
    os.utime(flag, (time.time() - 50 * 60,) * 2)
    with pytest.raises(CommandError, match="prune works again 60 minutes after it last renewed its flag"):
        releases("prune", "--keep=1", "--days=0")

    os.utime(flag, (time.time() - 70 * 60,) * 2)
    releases("prune", "--keep=1", "--days=0")

    assert published(three) == ["three"]
    assert not flag.exists()


def test_a_publication_waits_for_a_prune_and_outlives_a_killed_one(three, monkeypatch):
    destination = three.storage("three").destination
    waited = []
    with pruning(destination):
        [flag] = three.root.glob(".releases/.flag-pruning-*")

        def sleep(seconds):
            waited.append(seconds)
            os.utime(flag, (time.time() - 11 * 60,) * 2)  # as if it had been killed that long ago

        monkeypatch.setattr("release_static.flags.time.sleep", sleep)
        output = three.publish("four")

    assert len(waited) == 1
    assert "Waiting for a prune to end: " in output
    assert f"{flag}\n" in output
    assert "four" in published(three)


def test_flags_are_gone_in_the_end(three):
    releases("prune", "--keep=1", "--days=0")
    with pytest.raises(CommandError):
        releases("prune", "--keep=0")

    assert [path.name for path in three.root.glob(".releases/.*")] == []


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


def test_only_with_unclaimed_goes_what_a_publication_left_that_died(three, monkeypatch):
    names = ["logo.000000000000.svg", "logo.000000000000.svg.gz", "example.ffffffffffff.txt"]
    for name in [*names, "strange.000000000000.txt"]:
        (three.root / name).write_text("left")
        os.utime(three.root / name, (0, 0))
    before = files(three)

    releases("prune", "--unclaimed")
    assert files(three) == before  # a day has not passed, whatever the time stamps of their sources

    monkeypatch.setattr(retention, "UNCLAIMED_AFTER", timedelta(seconds=-1))
    releases("prune")
    assert files(three) == before

    out, _ = releases("prune", "--unclaimed")
    assert before - files(three) == set(names)
    assert "0 releases and 3 files (3 of them unclaimed) deleted" in out


def test_a_prune_that_was_killed_is_completed_by_the_next(three, monkeypatch):
    from release_static.directory import Directory

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
    assert "Release one has expired, and a prune did not finish it." in err
    out, _ = releases("prune")
    assert "2 releases and 2 files deleted" in out
    assert [path.name for path in (three.root / ".releases").iterdir()] == ["three"]


def test_current_prints_the_id_alone(site):
    site.run_release("one")

    assert releases("current") == ("one\n", "")


def test_current_explains_where_the_id_comes_from(site, monkeypatch):
    site.run_release(None, release_id_strategy="release_static.release_id_strategies.git_hash")
    monkeypatch.setenv("RELEASE_ID", "abc")

    out, _ = releases("current", "--explain")

    assert [line.partition(": ")[2] for line in out.splitlines()] == [
        "not set",
        "abc  <- this is the id",
        "not asked",
        "not asked",
    ]


@pytest.mark.parametrize("value", ["HEAD", "a/b"])
def test_current_fails_with_an_explanation_where_the_id_is_none(site, monkeypatch, value):
    site.run_release(None)
    monkeypatch.setenv("RELEASE_ID", value)
    out = io.StringIO()

    with pytest.raises(CommandError, match="Set RELEASE_ID"):
        releases("current", "--explain", stdout=out)

    assert f"the variable RELEASE_ID: '{value}' is not a valid release id." in out.getvalue()


def test_another_storage_is_an_error_that_names_ours(settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}

    with pytest.raises(CommandError, match="ReleaseSpecificManifestLocalStorage"):
        releases()
