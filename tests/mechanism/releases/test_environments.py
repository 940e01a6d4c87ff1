"""Production, staging and previews in one static root."""

import json
import os

import pytest
from django.core.management import CommandError

from tests.mechanism.releases.command import backdate, published, releases


@pytest.fixture
def publish(site):
    """publish(release_id, environment, days_ago): that release, with a style sheet of its own, published then."""

    def publish(release_id, environment="production", days_ago=0):
        site.write("style.css", f"/* {release_id} */")
        output = site.publish(release_id, environment=environment)
        if days_ago:
            backdate(site, release_id, days_ago)
        return output

    return publish


def markers(site):
    return {
        f"{path.parent.name} {path.name}": path.stat().st_mtime_ns
        for path in site.root.glob(".releases/*/environment-*.json")
    }


def as_json(*arguments):
    return {release["id"]: release for release in json.loads(releases(*arguments, "--json")[0])["releases"]}


def test_stagings_prune_leaves_productions_live_release(site, publish):
    publish("live", "production", days_ago=60)
    for n in range(1, 8):
        publish(f"staging{n}", "staging", days_ago=30 - n)

    out, _ = releases("prune")

    assert "live" in published(site)
    assert site.read("live", "style.css") == "/* live */"
    assert published(site) == ["live", *(f"staging{n}" for n in range(3, 8))]
    assert "live      stays    among the newest 5 in production" in out


def test_each_release_is_listed_with_its_environments(site, publish):
    publish("one", "production", days_ago=3)
    publish("one", "staging")
    publish("two", "staging")

    out, _ = releases()

    [one] = [line for line in out.splitlines() if line.startswith("one")]
    [two] = [line for line in out.splitlines() if line.startswith("two")]
    assert "production (newest), staging" in one
    assert "staging (newest)" in two and two.endswith("current")
    listed = as_json()
    assert set(listed["one"]["environments"]) == {"production", "staging"}
    assert listed["one"]["environments"]["production"]["superseded_at"] is None
    assert (
        listed["one"]["environments"]["staging"]["superseded_at"]
        == listed["two"]["environments"]["staging"]["published_at"]
    )
    assert listed["one"]["superseded_at"] is None


def test_the_releases_of_one_environment_are_listed(site, publish):
    publish("one", "production")
    publish("two", "staging")

    assert list(as_json("--environment", "staging")) == ["two"]
    with pytest.raises(CommandError) as error:
        releases("--environment", "qa")
    assert "Nothing is published in qa" in str(error.value)
    assert "environments: production, staging" in str(error.value)


def test_promoting_uploads_nothing_and_leaves_a_marker(site, publish):
    publish("one", "staging")
    before = site.state()

    output = publish("one", "production")

    after = site.state()
    assert "Release one is now published in production: 4 files unchanged." in output
    assert set(after) - set(before) == {".releases/one/environment-production.json"}
    assert {name: state for name, state in after.items() if name in before} == before


def test_the_same_release_again_in_the_same_environment_writes_nothing(site, publish):
    publish("one", "staging")
    publish("one", "production")
    before = site.state()

    assert "nothing to do" in publish("one", "production")
    assert "nothing to do" in publish("one", "staging")
    assert site.state() == before


def test_an_older_release_again_is_the_newest_of_its_environment(site, publish):
    publish("one", days_ago=20)
    publish("two", days_ago=10)
    before = markers(site)

    publish("one")

    changed = {name for name, at in markers(site).items() if before.get(name) != at}
    assert changed == {"one environment-production.json"}
    assert as_json()["one"]["environments"]["production"]["superseded_at"] is None


def test_a_publishers_clock_decides_nothing(site, publish):
    publish("old", days_ago=1)
    publish("new")
    manifest = site.root / ".releases/new/staticfiles.json"
    stored = site.manifest("new")
    stored["release"]["created_at"] = "2001-01-01T00:00:00.000Z"
    manifest.write_text(json.dumps(stored))
    publish("newer")

    releases("prune", "--keep=1", "--days=14")

    assert "new" in published(site)


def test_retiring_lets_go_what_only_that_environment_kept(site, publish):
    publish("live", "production", days_ago=2)
    publish("live", "preview-7", days_ago=2)
    publish("seven", "preview-7", days_ago=1)
    site.run_release("live")
    releases("prune", "--keep=1", "--days=0")
    assert published(site) == ["live", "seven"]

    out, _ = releases("retire", "preview-7")

    assert "preview-7 is retired. It kept 2 releases" in out
    out, _ = releases("prune")
    assert "seven  expires  in no environment" in out
    assert published(site) == ["live"]
    assert os.listdir(site.root / ".releases") == ["live"]


def test_an_environment_that_was_retired_can_be_published_to_again(site, publish):
    publish("live", "production", days_ago=2)
    publish("seven", "preview-7")
    site.run_release("live")
    releases("retire", "preview-7")

    publish("seven", "preview-7")
    site.run_release("live")
    releases("prune", "--keep=1", "--days=0")

    assert published(site) == ["live", "seven"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [("production", "production is the environment of this process"), ("qa", "Nothing is published in qa")],
)
def test_an_environment_in_use_or_unknown_is_not_retired(site, publish, environment, said):
    publish("live")
    publish("other", "staging")
    site.run_release("live")
    before = site.state()

    with pytest.raises(CommandError, match=said):
        releases("retire", environment)

    assert site.state() == before


def test_prune_says_which_environments_have_seen_nothing_for_long(site, publish):
    publish("old", "preview-7", days_ago=60)
    publish("live")

    _, err = releases("prune", "--dry-run")

    assert "Nothing was published in preview-7 for 1 month" in err
    assert "manage.py releases retire preview-7" in err
    assert "production" not in err


@pytest.mark.parametrize(
    ("option", "variable", "environment"),
    [
        ("", "", "production"),
        (None, None, "production"),
        (None, "staging", "staging"),
        ("preview-7", "staging", "preview-7"),
        (7, None, "7"),
    ],
)
def test_the_environment_is_that_of_the_option_or_the_variable_or_production(
    site, monkeypatch, option, variable, environment
):
    if variable is not None:
        monkeypatch.setenv("RELEASE_ENVIRONMENT", variable)

    site.publish("one", environment=option)

    assert list(as_json()["one"]["environments"]) == [environment]


@pytest.mark.parametrize("name", ["a b", "../x", "-x", "x" * 129])
def test_a_name_that_is_not_valid_is_refused_before_anything_is_written(site, name):
    with pytest.raises(CommandError, match="RELEASE_ENVIRONMENT is "):
        site.publish("one", environment=name)

    assert not site.root.exists()


def test_the_difference_between_two_releases(site, publish):
    site.write("gone.txt", "gone")
    publish("one")
    (site.sources / "gone.txt").unlink()
    site.write("new.txt", "new")
    publish("two", "preview-7")

    out, _ = releases("diff", "one", "two")

    assert out.splitlines() == [
        "Since one: 1 added, 1 changed, 1 removed",
        "+ new.txt",
        "~ style.css",
        "- gone.txt",
        "12 bytes in new files.",
    ]
    data = json.loads(releases("diff", "one", "two", "--json")[0])
    assert data == {"added": ["new.txt"], "changed": ["style.css"], "removed": ["gone.txt"], "new_bytes": 12}
    with pytest.raises(CommandError, match="Release three is not published"):
        releases("diff", "one", "three")


def test_two_hundred_previews_are_listed_and_retired(site, publish):
    for n in range(130):
        site.write(f"app/file{n}.txt", f"file {n}")
    publish("live")
    manifest = site.manifest("live")
    for n in range(200):
        folder = site.root / ".releases" / f"pr{n}"
        folder.mkdir()
        (folder / "staticfiles.json").write_text(json.dumps(manifest | {"release": {"id": folder.name}}))
        (folder / f"environment-preview-{n}.json").write_text("{}")
    site.run_release("live")

    assert len(as_json()) == 201
    releases("prune", "--keep=1", "--days=0")
    assert len(published(site)) == 201

    for n in range(199):
        releases("retire", f"preview-{n}")
    releases("prune", "--keep=1", "--days=0")
    assert published(site) == ["live", "pr199"]
