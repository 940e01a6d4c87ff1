import io
import json

import pytest
from django.core.management import CommandError, call_command


def releases(*arguments, **options):
    output = io.StringIO()
    call_command("releases", *arguments, stdout=output, stderr=output, **options)
    return output.getvalue()


@pytest.fixture
def three(site):
    """Three releases, each with another app.js; this process is one of the third."""
    for n, release_id in enumerate(["one", "two", "three"]):
        site.write(app__js=f"let release = {n};\n")
        site.publish(release_id)
    return site


def app_js(site, release_id):
    return f"static/{site.manifest(release_id)['paths']['app.js']}"


def test_releases_are_listed_with_what_they_hold(three):
    listed = {release["id"]: release for release in json.loads(releases("--json"))["releases"]}

    assert set(listed) == {"one", "two", "three"}
    assert [release["current"] for release in listed.values()].count(True) == 1 and listed["three"]["current"]
    assert {release["files"] for release in listed.values()} == {3}


def test_prune_deletes_what_only_expired_releases_name(three):
    before, gone = three.objects(), [app_js(three, "one"), app_js(three, "two")]

    releases("prune", "--keep", "1", "--days", "0")

    after = three.objects()
    assert set(before) - set(after) == {
        *gone,
        *(f"static/.releases/{id}/{name}.json" for id in ("one", "two") for name in ("staticfiles", "files")),
    }
    assert {key: tag for key, tag in before.items() if key in after} == after
    assert "is whole" in releases("verify")
    # Those that publishers emptied are gone too.
    assert not [key for key in three.server.names(three.bucket) if ".flag-" in key]


def test_a_dry_run_of_prune_deletes_nothing(three):
    before = three.objects()

    assert "one" in releases("prune", "--keep", "1", "--days", "0", "--dry-run")
    assert three.objects() == before


def test_verify_finds_damage_and_repairs_it_from_the_checkout(three):
    damaged = app_js(three, "three")
    three.server.client().put_object(Bucket=three.bucket, Key=damaged, Body=b"let release = 9;\n")

    with pytest.raises(CommandError, match=r"app\.[0-9a-f]{12}\.js"):
        releases("verify")
    releases("verify", "--repair")

    assert three.read(damaged) == b"let release = 2;\n"


def test_a_pinned_release_stays(three):
    releases("pin", "one")

    releases("prune", "--keep", "1", "--days", "0")

    assert three.manifest("one") is not None and three.manifest("two") is None
    assert app_js(three, "one") in three.objects()


def test_prune_gives_way_to_a_publication(three):
    three.server.client().put_object(Bucket=three.bucket, Key="static/.releases/.flag-publishing-x", Body=b"{}")
    before = three.objects()

    with pytest.raises(CommandError, match="Somebody else is publishing"):
        releases("prune", "--keep", "1", "--days", "0")

    assert three.objects() == before
