import io
import json

import pytest
from django.core.management import CommandError, call_command

from release_static.publishing import locks
from tests.s3.conftest import LOCK
from tests.s3.test_publish import answer


def releases(*arguments, **options):
    output = io.StringIO()
    call_command("releases", *arguments, stdout=output, stderr=output, **options)
    return output.getvalue()


@pytest.fixture
def three(site):
    """Three releases, each with a different app.js. This process belongs to the third."""
    for n, release_id in enumerate(["r1", "r2", "r3"]):
        site.write(app__js=f"let release = {n};\n")
        site.publish(release_id)
    return site


def app_js(site, release_id):
    return f"static/{site.manifest(release_id)['paths']['app.js']}"


def test_releases_are_listed_with_what_they_hold(three):
    listed = {release["id"]: release for release in json.loads(releases("--json"))["releases"]}

    assert set(listed) == {"r1", "r2", "r3"}
    assert [release["current"] for release in listed.values()].count(True) == 1 and listed["r3"]["current"]
    assert {release["files"] for release in listed.values()} == {3}


def test_prune_deletes_what_only_expired_releases_name(three):
    before, gone = three.objects(), [app_js(three, "r1"), app_js(three, "r2")]

    releases("prune", "--keep", "1", "--days", "0")

    after = three.objects()
    assert set(before) - set(after) == {
        *gone,
        *(
            f"static/.releases/{id}/{name}.json"
            for id in ("r1", "r2")
            for name in ("staticfiles", "environment-production")
        ),
    }
    assert {key: tag for key, tag in before.items() if key in after} == after
    assert "intact" in releases("verify")
    # Also those that publishers released.
    assert not [key for key in three.server.names(three.bucket) if LOCK in key]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "MissingContentMD5"), (400, "InvalidRequest"), (403, "AccessDenied"), (501, "NotImplemented")],
)
def test_a_server_that_refuses_to_delete_many_at_once_deletes_one_by_one(three, status, code):
    gone = [app_js(three, "r1"), app_js(three, "r2")]
    three.on_request = lambda operation, request: (
        answer(request, status, code) if operation == "DeleteObjects" else None
    )

    releases("prune", "--keep", "1", "--days", "0")

    assert not three.objects().keys() & {
        *gone,
        "static/.releases/r1/expired.json",
        "static/.releases/r1/staticfiles.json",
    }
    assert three.manifest("r3") is not None


def test_prune_deletes_what_stands_beside_no_manifest(three):
    key = "static/.releases/gone/pinned.json"
    three.server.client().put_object(Bucket=three.bucket, Key=key, Body=b"{}")

    releases("prune")

    assert key not in three.objects()


def test_a_dry_run_of_prune_deletes_nothing(three):
    before = three.objects()

    assert "r1" in releases("prune", "--keep", "1", "--days", "0", "--dry-run")
    assert three.objects() == before


def test_verify_finds_damage_and_repairs_it_from_the_checkout(three):
    damaged = app_js(three, "r3")
    three.server.client().put_object(Bucket=three.bucket, Key=damaged, Body=b"let release = 9;\n")

    with pytest.raises(CommandError, match=r"app\.[0-9a-f]{12}\.js"):
        releases("verify")
    releases("verify", "--repair")

    assert three.read(damaged) == b"let release = 2;\n"


def test_a_pinned_release_stays(three):
    releases("pin", "r1")

    releases("prune", "--keep", "1", "--days", "0")

    assert three.manifest("r1") is not None and three.manifest("r2") is None
    assert app_js(three, "r1") in three.objects()


def test_prune_waits_for_a_publication(three):
    publisher = f"static/{locks.PREFIX}{locks.SHARED}-x"
    three.server.client().put_object(Bucket=three.bucket, Key=publisher, Body=b"{}")
    before = three.objects()

    with pytest.raises(CommandError, match="a publication is still running"):
        releases("prune", "--keep", "1", "--days", "0", "--wait", "1")

    assert three.objects() == before


def test_promoting_a_release_uploads_nothing_and_takes_five_requests(site):
    site.options = {"environment": "staging"}
    site.publish("r1")
    before = site.objects()

    site.options = {"environment": "production"}
    summary = site.publish("r1")

    marker = "static/.releases/r1/environment-production.json"
    assert "now published in production" in summary
    assert site.uploads() == [marker]
    lock, manifest = "PutObject static/.releases/.lock-", "GetObject static/.releases/r1/staticfiles.json"
    assert site.requests == [lock, "ListObjectsV2 static%2F", manifest, f"PutObject {marker}", lock]
    assert {key: tag for key, tag in site.objects().items() if key != marker} == before


def test_a_bucket_of_two_environments_keeps_the_live_release_of_each(site):
    for release_id, environment in [("live", "production"), ("s1", "staging"), ("s2", "staging")]:
        site.write(app__js=f"let release = '{release_id}';\n")
        site.options = {"environment": environment}
        site.publish(release_id)

    releases("prune", "--keep", "1", "--days", "0")

    assert site.manifest("live") is not None and site.manifest("s2") is not None and site.manifest("s1") is None
    assert app_js(site, "live") in site.objects()
    releases("retire", "production")
    releases("prune", "--keep", "1", "--days", "0")
    assert site.manifest("live") is None and app_js(site, "s2") in site.objects()
