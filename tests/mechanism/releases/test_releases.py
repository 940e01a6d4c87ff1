"""manage.py releases, on disk: list, show, current, pin."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from tests.mechanism.releases.command import releases


def test_the_table_has_the_newest_first(three):
    out, err = releases()

    rows = [line.split("  ") for line in out.splitlines()]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert [row[0] for row in rows] == ["RELEASE", "three", "two", "one"]
    assert rows[1][2:] == ["2 weeks ago", "-", "2", "11 bytes", "5 bytes", "production (newest)", "current"]
    assert rows[2][2:] == ["1 month ago", "2 weeks ago", "2", "9 bytes", "3 bytes", "production"]
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
    production = one.pop("environments")["production"]
    assert [
        round((datetime.now(UTC) - datetime.fromisoformat(at)) / timedelta(days=1)) for at in production.values()
    ] == [
        60,
        40,
    ]
    assert one == {"id": "one", "files": 2, "size": 9, "only_here": 3, "pinned": True, "current": False}


def test_without_an_id_releases_are_listed_and_nothing_is_pruned(three, settings):
    three.run_release(None)

    out, err = releases()

    assert "three" in out and "current" not in out
    assert "This release has no valid id." in err
    with pytest.raises(CommandError, match="This release has no valid id"):
        releases("prune")


def test_with_a_manifest_that_cannot_be_read_the_rest_is_listed_and_nothing_is_pruned(three, capsys):
    (three.root / ".releases/two/staticfiles.json").write_text("{")

    with pytest.raises(CommandError, match=r"\.releases/two/staticfiles\.json is not JSON") as error:
        call_command("releases")

    assert error.value.returncode == 1
    out = capsys.readouterr().out
    assert [row.split()[0] for row in out.splitlines()] == ["RELEASE", "three", "one"]
    with pytest.raises(CommandError):
        call_command("releases", "--json")
    data = json.loads(capsys.readouterr().out)
    assert [release["id"] for release in data["releases"]] == ["three", "one"]
    assert len(data["problems"]) == 1 and "two/staticfiles.json is not JSON" in data["problems"][0]
    before = three.state()
    with pytest.raises(CommandError) as error:
        releases("prune", "--keep=1", "--days=0")
    assert "two/staticfiles.json is not JSON" in str(error.value)
    assert "Nothing was deleted" in str(error.value)
    assert three.state() == before


def test_a_release_whose_manifest_cannot_be_read_can_be_pinned_but_not_shown(three):
    (three.root / ".releases/two/staticfiles.json").write_text("{")

    releases("pin", "two")

    assert (three.root / ".releases/two/pinned.json").exists()
    with pytest.raises(CommandError, match=r"two/staticfiles.json is not JSON"):
        releases("show", "two")


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
    assert "This is the first release." in releases("show", "one")[0]


@pytest.mark.parametrize("command", ["show", "pin", "unpin"])
def test_a_release_that_is_not_published(three, command):
    with pytest.raises(CommandError) as error:
        releases(command, "four")

    assert str(error.value).startswith("Release four is not published.")
    assert "looked at: " in str(error.value)
    assert "three, two, one" in str(error.value)


@pytest.mark.parametrize("command", ["show", "verify", "pin", "unpin", "diff one"])
@pytest.mark.parametrize("release_id", ["", "../one", "\udcff", "x" * 129])
def test_what_cannot_be_the_id_of_a_release_is_refused(three, command, release_id):
    with pytest.raises(CommandError, match="is not a valid release id"):
        releases(*command.split(), release_id)


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
        "not checked",
        "not checked",
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
