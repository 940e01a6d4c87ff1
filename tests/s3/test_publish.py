import io
import json
import os
import time
from itertools import count

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from django.core.management import CommandError

from release_static import serving
from release_static.manifest import RELEASES, Manifest, ManifestError, ManifestUnavailable
from release_static.publishing import locks
from release_static.s3 import storage
from release_static.s3.settings import client_config
from tests.s3.conftest import STATIC

MANIFEST = "static/.releases/{}/staticfiles.json"
MARKER = "static/.releases/{}/environment-production.json"


def in_pages_of_two(site):
    events = site.storage.connection.meta.client.meta.events
    events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **kwargs: params.update(MaxKeys=2))


def answer(request, status, code):
    class Body(io.BytesIO):
        def stream(self, **kwargs):
            yield self.read()

    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>In words.</Message></Error>"
    return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, Body(text.encode()))


def fail(request, fault):
    """What the server or the network does to this request."""
    if isinstance(fault, type):
        raise fault(endpoint_url=request.url, error="In words.")
    return answer(request, *fault)


FAULTS = {
    "internal error": (500, "InternalError"),
    "unavailable": (503, "ServiceUnavailable"),
    "slow down": (503, "SlowDown"),
    "forbidden": (403, "AccessDenied"),
    "wrong region": (400, "AuthorizationHeaderMalformed"),
    "no bucket": (404, "NoSuchBucket"),
    "expired credentials": (400, "ExpiredToken"),
    "connect timeout": ConnectTimeoutError,
    "read timeout": ReadTimeoutError,
    "reset": ConnectionClosedError,
}


def test_a_first_publication_takes_four_requests_more_than_it_has_objects(site):
    summary = site.publish("one")

    assert "Release one: 6 files published, 0 unchanged." in summary
    assert f"s3://{site.bucket}/{MANIFEST.format('one')}" in summary
    # The files, the marker of the environment, and the manifest.
    assert len(site.objects()) == 6 + 2
    # A lock, written and released, a listing, and, since the server is not Amazon's, the test of its conditions.
    assert len(site.requests) == 8 + 4
    lock = "PutObject static/.releases/.lock-"
    assert site.requests[:2] == [lock, "ListObjectsV2 static%2F"]
    manifest = f"PutObject {MANIFEST.format('one')}"
    # All files and the marker before the manifest and the test of conditions, and the lock until the end.
    files = site.objects().keys() - {MANIFEST.format("one")}
    assert sorted(site.requests[2:-3]) == sorted(f"PutObject {name}" for name in files)
    assert sorted(site.requests[-3:-1]) == [lock, manifest]
    assert site.requests[-1] == lock
    assert site.locks() == []


def test_on_amazons_server_conditions_are_not_tested(site, monkeypatch):
    # What boto3 alone knows of, and no setting.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", site.server.endpoint)
    site.options = {"endpoint_url": None, "client_config": client_config(site.bucket, site.server.endpoint)}

    site.publish("one")

    assert site.uploads().count(MANIFEST.format("one")) == 1
    assert len(site.requests) == 8 + 3


def test_an_unchanged_publication_takes_four_requests_whatever_the_times_of_the_files(site):
    site.publish("one")
    before = site.objects()
    for path in site.sources.iterdir():
        os.utime(path, (1, 1))

    summary = site.publish("one")

    assert "Release one is published already, nothing to do: 6 files unchanged." in summary
    lock = "PutObject static/.releases/.lock-"
    assert site.requests == [lock, "ListObjectsV2 static%2F", f"GetObject {MANIFEST.format('one')}", lock]
    assert site.objects() == before


def test_a_listing_is_read_to_its_end_with_one_request_a_page(site):
    site.publish("one")
    names = {name.removeprefix("static/") for name in site.objects()}
    in_pages_of_two(site.at("one"))
    site.requests.clear()

    existing = site.destination.existing(name for name in names if not name.startswith(RELEASES))

    assert existing.keys() >= names
    # Six files, the manifest and a released lock.
    assert len(existing) == 9
    assert site.requests == 5 * ["ListObjectsV2 static%2F"]


def test_a_listing_has_what_is_asked_for_and_what_belongs_to_releases(site):
    site.publish("one")
    site.server.client().put_object(Bucket=site.bucket, Key="static/foreign.txt", Body=b"mine")

    existing = site.destination.existing(["app.js", "missing.js"])

    assert {name for name in existing if not name.startswith(locks.PREFIX)} == {
        "app.js",
        MANIFEST.format("one").removeprefix("static/"),
        MARKER.format("one").removeprefix("static/"),
    }


@pytest.mark.parametrize("name", ["+page.js", "(a).js", ".htaccess", "app.js"])
def test_a_prune_that_ends_during_a_listing_is_noticed(site, name):
    lock = f"{locks.PREFIX}{locks.EXCLUSIVE}-x"
    # So that a name which sorts before the lock is on another page.
    for other in ("+0.js", "b.js", "c.js"):
        site.server.client().put_object(Bucket=site.bucket, Key=f"static/{other}", Body=b"content")
    in_pages_of_two(site.at("one"))
    outcomes = set()
    for page in range(1, 8):
        site.on_request = lambda operation, request: None
        for key in (name, lock):
            site.server.client().put_object(Bucket=site.bucket, Key=f"static/{key}", Body=b"content")
        requests = count(1)

        def end_prune(operation, request, page=page, requests=requests):
            if next(requests) == page:
                site.server.client().delete_object(Bucket=site.bucket, Key=f"static/{name}")
                site.server.client().put_object(Bucket=site.bucket, Key=f"static/{lock}", Body=b"")

        site.on_request = end_prune
        existing = site.destination.existing([name])
        outcomes.add((name in existing, existing[lock].size > 0))

    # A file that was listed before the prune deleted it is never listed without the lock.
    assert (True, False) not in outcomes
    assert len(outcomes) >= 2


def test_names_that_sort_before_the_locks_take_one_more_listing(site):
    (site.sources / "+page.js").write_text("content")
    site.publish("one")

    site.publish("one")

    assert site.requests[1:3] == ["ListObjectsV2 static%2F.releases%2F", "ListObjectsV2 static%2F"]
    assert len(site.requests) == 5


def test_only_what_changed_goes_up(site):
    site.publish("one")
    before = site.objects()
    site.write(app__js="let release = 2;\n")

    summary = site.publish("two")

    hashed = site.manifest("two")["paths"]["app.js"]
    assert set(site.uploads()) == {"static/app.js", f"static/{hashed}", MARKER.format("two"), MANIFEST.format("two")}
    # And a lock, a listing, the test of conditions, and the lock again.
    assert len(site.requests) <= 8
    assert "2 files published, 4 unchanged" in summary
    assert site.read("static/app.js") == b"let release = 2;\n"
    assert {key: tag for key, tag in site.objects().items() if key in before and key != "static/app.js"} == {
        key: tag for key, tag in before.items() if key != "static/app.js"
    }


def test_a_file_of_the_same_size_and_other_content_goes_up(site):
    site.publish("one")
    hashed = f"static/{site.manifest('one')['paths']['app.js']}"
    site.server.client().put_object(Bucket=site.bucket, Key=hashed, Body=b"let release = 9;\n")

    summary = site.publish("one")

    assert "1 damaged file repaired" in summary
    assert site.read(hashed) == b"let release = 1;\n"


def test_nothing_is_ever_deleted(site):
    site.server.client().put_object(Bucket=site.bucket, Key="static/foreign.txt", Body=b"mine")
    site.publish("one")
    (site.sources / "app.js").unlink()

    site.publish("two")

    assert site.read("static/foreign.txt") == b"mine"
    assert f"static/{site.manifest('one')['paths']['app.js']}" in site.objects()
    assert "app.js" not in site.manifest("two")["paths"]


def test_the_manifest_goes_up_after_every_file_that_it_names(site):
    site.publish("one")

    first = site.uploads().index(MANIFEST.format("one"))
    assert set(site.uploads()[first:]) == {MANIFEST.format("one")}
    assert {f"static/{name}" for name in site.manifest("one")["paths"].values()} <= set(site.uploads()[:first])


def test_a_dry_run_writes_nothing(site):
    summary = site.publish("one", dry_run=True)

    assert "6 files would be published" in summary
    assert site.objects() == {}
    assert not site.copy.exists()


def test_headers_let_hashed_files_be_kept_for_ever_and_manifests_never(site):
    types = {
        "a.map": "application/json; charset=utf-8",
        "a.mjs": "text/javascript; charset=utf-8",
        "a.wasm": "application/wasm",
        "a.woff2": "font/woff2",
        "a.avif": "image/avif",
        "a.txt": "text/plain; charset=utf-8",
        "a.tar.gz": "application/octet-stream",
        "a.b c+d": "application/octet-stream",
    }
    for name in types:
        (site.sources / name).write_bytes(b"content")
    types |= {
        "home.css": "text/css; charset=utf-8",
        "app.js": "text/javascript; charset=utf-8",
        "logo.svg": "image/svg+xml; charset=utf-8",
    }
    site.publish("one")

    def head(key):
        found = site.server.client().head_object(Bucket=site.bucket, Key=key)
        return found["ContentType"], found["CacheControl"]

    for name, content_type in types.items():
        hashed = site.manifest("one")["paths"][name]
        assert head(f"static/{name}") == (content_type, "public, max-age=60")
        assert head(f"static/{hashed}") == (content_type, "public, max-age=31536000, immutable")
    assert head(MANIFEST.format("one")) == ("application/json; charset=utf-8", "no-store")


def test_no_upload_sets_an_access_control_list(site):
    sent = []
    site.on_request = lambda operation, request: sent.extend(request.headers)

    site.publish("one")

    assert sent
    assert "x-amz-acl" not in {name.lower() for name in sent}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failed_request_publishes_no_manifest_and_a_second_run_only_uploads_what_is_missing(site, fault):
    (site.sources / "app.js").unlink()
    # Each request is sent once here: another test has boto3 try again.
    once = client_config(site.bucket, site.server.endpoint).merge(Config(retries={"total_max_attempts": 1}))
    site.options = {"client_config": once}
    for nth in range(1, 1 + 1 + 1 + 4 + 1 + 1):  # a lock, a listing, four files, the marker, the manifest
        site.location = f"static-{nth}"
        sent = count(1)
        site.on_request = lambda operation, request, nth=nth, sent=sent: (
            fail(request, fault) if next(sent) >= nth else None
        )
        with pytest.raises(CommandError) as error:
            site.publish("one")

        first, second = str(error.value).splitlines()
        assert f"{'ListObjectsV2' if nth == 2 else 'PutObject'} of s3://{site.bucket}/{site.location}/" in first
        assert (fault[1] if isinstance(fault, tuple) else site.server.endpoint) in first
        assert "run collectstatic again" in second
        assert site.manifest("one") is None
        assert not site.copy.exists()

        existing = {key for key in site.objects() if key.startswith(f"{site.location}/") and ".releases/" not in key}
        site.on_request = lambda operation, request: None
        site.publish("one")
        assert not existing.intersection(site.uploads())
        assert len(site.manifest("one")["paths"]) == 2
        site.copy.unlink()


def test_one_failing_upload_among_many_is_noticed(site):
    def refuse_one(operation, request):
        return answer(request, 403, "AccessDenied") if request.url.endswith("/app.js") else None

    site.on_request = refuse_one

    with pytest.raises(CommandError, match=r"PutObject of s3://\S+/app\.js was answered with AccessDenied \(403"):
        site.publish("one")

    assert site.manifest("one") is None


@pytest.mark.parametrize("fault", [(503, "SlowDown"), (500, "InternalError"), ConnectionClosedError])
def test_a_fault_that_passes_is_tried_again(site, fault):
    failed = set()

    def fail_once(operation, request):
        if operation in failed:
            return None
        failed.add(operation)
        return fail(request, fault)

    site.on_request = fail_once

    site.publish("one")

    assert failed == {"ListObjectsV2", "PutObject"}
    assert len(site.manifest("one")["paths"]) == 3


def test_a_release_with_other_content_is_refused(site):
    site.publish("one")
    before = site.objects()
    site.write(app__js="let release = 2;\n")

    with pytest.raises(CommandError, match="Release one is published already, with other content"):
        site.publish("one")

    assert site.objects() == before


def test_replacing_a_release_takes_the_option_for_it(site):
    site.publish("one")
    site.write(app__js="let release = 2;\n")

    site.publish("one", replace_release=True)

    assert site.read(f"static/{site.manifest('one')['paths']['app.js']}") == b"let release = 2;\n"


def ignore_conditions(params, **kwargs):
    params["headers"].pop("If-None-Match", None)


def know_no_conditions(params, request_signer, context, **kwargs):
    if "If-None-Match" in params["headers"]:
        error = {"Error": {"Code": "NotImplemented", "Message": "In words."}}
        return AWSResponse("", 501, {}, None), error | {"ResponseMetadata": {"HTTPStatusCode": 501}}


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("conditions", [True, False])
def test_of_two_publishers_the_slower_one_respects_what_it_finds(site, conditions, same):
    if not conditions:
        site.before_put = know_no_conditions
    site.publish("other")
    published = site.manifest("other")
    published["release"]["id"] = "one"
    if not same:
        published["paths"]["app.js"] = "app.000000000000.js"

    def be_faster(operation, request):
        if request.url.endswith(MANIFEST.format("one")):
            site.on_request = lambda operation, request: None
            site.server.client().put_object(
                Bucket=site.bucket, Key=MANIFEST.format("one"), Body=json.dumps(published).encode()
            )

    site.on_request = be_faster
    if same:
        site.publish("one")
    else:
        with pytest.raises(CommandError, match="Release one is published already, with other content"):
            site.publish("one")

    assert site.manifest("one") == published


def test_a_small_file_is_sent_without_asking_and_a_large_one_is_not(site):
    asked = {}

    def see(operation, request):
        if operation == "PutObject":
            asked[request.url.rpartition("/")[2].split(".")[0]] = "Expect" in request.headers

    site.on_request = see
    site.write(large__js=b"//" + bytes(2 << 20))

    site.publish("one")

    assert asked["large"] and not asked["app"]


@pytest.mark.parametrize("behaviour", [ignore_conditions, know_no_conditions])
def test_a_server_without_conditional_writes_is_noticed(site, behaviour, capsys):
    site.before_put = behaviour

    site.publish("one")
    said = capsys.readouterr().err
    assert "ignores conditional writes" in said and said.count("Warning") == 1
    before = site.objects()

    site.write(app__js="let release = 2;\n")
    with pytest.raises(CommandError, match="Release one is published already, with other content"):
        site.publish("one")
    assert site.objects() == before


def test_a_server_with_conditional_writes_causes_no_warning(site, capsys):
    site.publish("one")

    assert capsys.readouterr().err == ""


def test_where_the_test_of_conditional_writes_fails_the_release_is_published_with_a_warning(site, capsys):
    def refuse_to_write_the_lock_again(operation, request):
        if "If-None-Match" in request.headers and "/.lock-" in request.url:
            return answer(request, 403, "AccessDenied")

    site.on_request = refuse_to_write_the_lock_again

    site.publish("one")

    said = capsys.readouterr().err
    assert "It is unknown whether the server honors conditional writes: " in said and "AccessDenied" in said
    assert len(site.manifest("one")["paths"]) == 3


def test_a_conflict_of_conditional_writes_is_tried_again(site, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    conflicts = iter([True, True])

    def conflict(operation, request):
        if "If-None-Match" in request.headers and next(conflicts, False):
            return answer(request, 409, "ConditionalRequestConflict")

    site.on_request = conflict

    site.publish("one")

    assert len(site.manifest("one")["paths"]) == 3


def test_a_file_that_changes_while_it_goes_up_is_refused(ceph, site):
    def change(operation, request):
        if request.url.endswith("/app.js"):
            request.body = b"let release = 7;\n"

    site.on_request = change

    with pytest.raises(CommandError, match="BadDigest|XAmzContentSHA256Mismatch"):
        site.publish("one")

    assert "static/app.js" not in site.objects()
    assert site.manifest("one") is None


def test_addresses_are_neither_signed_nor_asked_for(site):
    site.publish("one")
    site.requests.clear()

    url = site.at("one").storage.url("home.css")

    assert url == f"{STATIC}{site.manifest('one')['paths']['home.css']}"
    assert site.requests == []


@pytest.mark.parametrize("served", ["https://cdn.example.com/", "https://example.com/a/b/", "/static/"])
def test_addresses_are_under_static_url_wherever_that_leads(site, served):
    site.settings.STATIC_URL = served
    site.publish("one")

    assert site.at("one").storage.url("logo.svg").startswith(f"{served}logo.")


def test_a_process_of_the_release_published_here_needs_no_server(site):
    site.publish("one")

    site.at("one", endpoint_url=site.server.endpoint)
    site.on_request = lambda operation, request: fail(request, ConnectionClosedError)

    assert site.storage.url("app.js").startswith(STATIC)


def test_the_copy_of_the_manifest_says_where_its_files_are_and_has_no_checksums(site):
    site.publish("one")
    published = site.manifest("one")

    site.storage.keep_manifest("one", Manifest.parse(json.dumps(published).encode(), "here"))

    copy = json.loads(site.copy.read_text())

    assert copy.pop("release") == {"id": "one", "destination": str(site.destination)}
    assert published.pop("checksums") and published.pop("release")["id"] == "one"
    assert copy == published


def test_a_process_of_another_release_asks_the_bucket_once(site):
    site.publish("one")
    site.publish("two")
    site.requests.clear()

    site.at("one")
    site.storage.url("app.js")
    site.storage.url("home.css")

    assert site.requests == [f"GetObject {MANIFEST.format('one')}"]


def test_a_copy_of_a_manifest_in_another_bucket_is_not_believed(site):
    site.publish("one")
    site.location = "elsewhere"

    with pytest.raises(ManifestError, match="There is no manifest"):
        site.at("one").storage.url("app.js")


def test_a_damaged_copy_of_the_manifest_is_not_believed(site):
    site.publish("one")
    site.copy.write_text(site.copy.read_text()[:-20])
    site.requests.clear()

    site.at("one").storage.url("app.js")

    assert site.requests == [f"GetObject {MANIFEST.format('one')}"]


def test_a_copy_that_cannot_be_written_stops_nothing(site, capsys):
    site.copy.mkdir()

    site.publish("one", verbosity=2)

    assert "No copy of the manifest is kept beside the code" in capsys.readouterr().out
    assert site.manifest("one")


def test_a_release_that_is_not_published_is_explained(site):
    site.publish("one")

    with pytest.raises(ManifestError) as error:
        site.at("two").storage.url("app.js")

    assert f"There is no manifest s3://{site.bucket}/{MANIFEST.format('two')}." in str(error.value)
    assert "releases: one" in str(error.value)
    assert "RELEASE_ID=two python manage.py collectstatic" in str(error.value)


def test_forbidden_may_mean_missing_and_the_error_says_so(site):
    site.on_request = lambda operation, request: answer(request, 403, "AccessDenied")

    with pytest.raises(ManifestUnavailable, match="s3:ListBucket is not allowed"):
        site.at("one").storage.url("app.js")


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ((503, "ServiceUnavailable"), "ServiceUnavailable"),
        ((403, "SignatureDoesNotMatch"), "Correct AWS_ACCESS_KEY_ID"),
        ((404, "NoSuchBucket"), "Create the bucket"),
        (ConnectionClosedError, "Check the network"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_not_called_unpublished(site, capsys, fault, problem):
    site.publish("one")
    site.copy.unlink()
    site.at("one")
    site.requests.clear()
    site.on_request = lambda operation, request: fail(request, fault)

    with pytest.raises(SystemExit) as ended:
        serving.require_manifest()

    said = capsys.readouterr().err
    assert ended.value.code == 75
    assert said.startswith("The manifest of this release cannot be read") and problem in said
    assert f"s3://{site.bucket}/{MANIFEST.format('one')}" in said
    assert not [request for request in site.requests if not request.startswith("GetObject")]


def test_a_server_that_does_not_answer_ends_a_start_in_time(site, monkeypatch):
    monkeypatch.setattr(storage, "_PATIENCE", 0.3)
    site.at("one", endpoint_url="http://127.0.0.1:9")
    site.on_request = lambda operation, request: time.sleep(2)
    started = time.monotonic()

    with pytest.raises(ManifestUnavailable, match=r"127\.0\.0\.1:9 did not answer in 0\.3 seconds\. Check the network"):
        site.storage.url("app.js")

    assert time.monotonic() - started < 2


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"version": %s}' % (b"1" * 10_000), b"\xff", b'{"release": []}'])
def test_a_malformed_copy_of_the_manifest_is_not_believed(site, content):
    site.publish("one")
    site.copy.write_bytes(content)

    assert site.at("one").storage.url("app.js").startswith(STATIC)


def test_a_server_that_does_not_exist_is_an_error_with_its_address(site):
    site.options = {"endpoint_url": "http://127.0.0.1:9"}

    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:9"):
        site.publish("one")


def test_a_server_without_tls_is_not_said_to_have_a_wrong_certificate(site):
    site.options = {"endpoint_url": site.server.endpoint.replace("http://", "https://")}

    with pytest.raises(CommandError, match="if it has no TLS, write AWS_S3_ENDPOINT_URL with http://"):
        site.publish("one")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key": "nobody"}, "InvalidAccessKeyId"),
        ({"bucket_name": "no-such-bucket"}, "NoSuchBucket"),
        ({"access_key": None, "secret_key": None}, "NoCredentialsError"),
    ],
)
def test_a_server_that_refuses_is_an_error_with_the_remedy(ceph, site, options, code):
    site.options = options

    with pytest.raises(CommandError) as error:
        site.publish("one")

    said = str(error.value).splitlines()[0]
    assert code in said or "Unable to locate credentials" in said
    assert "AWS_" in said
