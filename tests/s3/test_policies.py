"""The documents in a project's docs/s3.md, on a server that enforces them."""

import fnmatch
import json
import re
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError

from tests.s3.test_publish import answer
from tests.s3.test_releases import releases

MANIFEST = "static/.releases/one/staticfiles.json"


@pytest.fixture
def documents(render, bucket_name):
    """The documents, by their first key or the id of their first statement."""
    text = (render(storage_backend="s3").path / "docs" / "s3.md").read_text().replace("my-bucket", bucket_name)
    found = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)]
    return {document["Statement"][0]["Sid"] if "Statement" in document else "CORS": document for document in found}


def may(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return False
    return True


def visit(server, bucket, key, **headers):
    request = urllib.request.Request(f"{server.endpoint}/{bucket}/{key}", headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, {}


def test_static_files_are_public_and_manifests_and_uploads_are_not(ceph, site, documents):
    site.publish("one")
    owner = ceph.client()
    owner.put_object(Bucket=site.bucket, Key="media/secret.pdf", Body=b"mine")
    hashed = f"static/{site.manifest('one')['paths']['app.js']}"
    assert visit(ceph, site.bucket, hashed)[0] == 403

    owner.put_bucket_policy(Bucket=site.bucket, Policy=json.dumps(documents["StaticFilesArePublic"]))

    assert visit(ceph, site.bucket, hashed)[0] == 200
    assert visit(ceph, site.bucket, "static/app.js")[0] == 200
    assert visit(ceph, site.bucket, MANIFEST)[0] == 403
    assert visit(ceph, site.bucket, "media/secret.pdf")[0] == 403
    assert visit(ceph, site.bucket, "?list-type=2")[0] == 403
    assert site.manifest("one")


def test_nobody_writes_without_credentials(ceph, site, documents):
    ceph.client().put_bucket_policy(Bucket=site.bucket, Policy=json.dumps(documents["StaticFilesArePublic"]))
    request = urllib.request.Request(f"{ceph.endpoint}/{site.bucket}/static/app.js", data=b"evil", method="PUT")

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)

    assert site.objects() == {}


def test_other_origins_may_read(server, site, documents):
    site.publish("one")
    server.client().put_bucket_cors(Bucket=site.bucket, CORSConfiguration=documents["CORS"])
    server.client().put_bucket_policy(Bucket=site.bucket, Policy=json.dumps(documents["StaticFilesArePublic"]))

    status, headers = visit(server, site.bucket, "static/app.js", Origin="https://www.example.com")

    assert status == 200
    allowed = {name.lower(): value for name, value in headers.items()}["access-control-allow-origin"]
    assert allowed in {"*", "https://www.example.com"}


def test_who_deploys_publishes_and_can_delete_nothing(ceph, site, documents):
    user = ceph.user(documents["Deploy"])
    site.options = {"access_key": user, "secret_key": f"{user}s-secret"}

    site.publish("one")
    assert "nothing to do" in site.publish("one")
    site.write(app__js="let release = 2;\n")
    site.publish("two")

    client = ceph.client(user=user)
    assert not may(client.delete_object, Bucket=site.bucket, Key="static/app.js")
    assert not may(client.put_object, Bucket=site.bucket, Key="media/a.txt", Body=b"")
    assert not may(client.list_objects_v2, Bucket=site.bucket, Prefix="media/")
    assert not may(client.list_objects_v2, Bucket=site.bucket)


def test_who_runs_the_site_reads_manifests_and_keeps_uploads(ceph, site, documents):
    site.publish("one")
    site.copy.unlink()
    user = ceph.user(documents["RunReadsManifests"])
    site.options = {"access_key": user, "secret_key": f"{user}s-secret"}

    assert site.at("one").storage.url("app.js")

    client = ceph.client(user=user)
    assert may(client.put_object, Bucket=site.bucket, Key="media/a.txt", Body=b"")
    assert may(client.get_object, Bucket=site.bucket, Key="media/a.txt")
    assert may(client.delete_object, Bucket=site.bucket, Key="media/a.txt")
    assert not may(client.put_object, Bucket=site.bucket, Key="static/app.js", Body=b"")
    assert not may(client.put_object, Bucket=site.bucket, Key=MANIFEST, Body=b"")
    assert not may(client.delete_object, Bucket=site.bucket, Key=MANIFEST)


def test_who_prunes_deletes_static_files_and_writes_none(ceph, site, documents):
    site.publish("one")
    client = ceph.client(user=ceph.user(documents["Prune"]))

    assert may(client.list_objects_v2, Bucket=site.bucket, Prefix="static/")
    assert may(client.get_object, Bucket=site.bucket, Key=MANIFEST)
    assert may(client.put_object, Bucket=site.bucket, Key="static/.releases/one/pinned.json", Body=b"")
    assert not may(client.put_object, Bucket=site.bucket, Key="static/app.js", Body=b"")
    assert may(client.delete_object, Bucket=site.bucket, Key="static/app.js")
    assert "static/app.js" not in site.objects()
    assert not may(client.delete_object, Bucket=site.bucket, Key="media/a.txt")
    assert not may(client.list_objects_v2, Bucket=site.bucket, Prefix="media/")


def test_without_permission_to_list_a_missing_manifest_is_explained(ceph, site, documents):
    reads, *_ = documents["RunReadsManifests"]["Statement"]
    user = ceph.user(documents["RunReadsManifests"] | {"Statement": [reads]})
    site.options = {"access_key": user, "secret_key": f"{user}s-secret"}

    with pytest.raises(Exception, match="s3:ListBucket"):
        site.at("one").storage.url("app.js")


def test_who_may_list_but_only_there_is_told_that_a_manifest_is_missing(ceph, site, documents):
    user = ceph.user(documents["Deploy"])
    site.options = {"access_key": user, "secret_key": f"{user}s-secret"}

    with pytest.raises(Exception, match="There is no manifest"):
        site.at("one").storage.url("app.js")


def test_write_once_as_a_rule_of_the_bucket_denies_nothing_but_a_second_manifest(site, documents):
    """No test server supports the condition, so this applies the statement as Amazon documents it."""
    [rule] = documents["ManifestsAreWrittenOnce"]["Statement"]
    assert (rule["Effect"], rule["Action"], rule["Condition"]) == (
        "Deny",
        "s3:PutObject",
        {"Null": {"s3:if-none-match": "true"}},
    )

    def apply(operation, request):
        resource = f"arn:aws:s3:::{request.url.removeprefix(f'{site.server.endpoint}/')}"
        unconditional = "If-None-Match" not in request.headers
        if operation == "PutObject" and fnmatch.fnmatchcase(resource, rule["Resource"]) and unconditional:
            return answer(request, 403, "AccessDenied")

    site.on_request = apply
    site.publish("one")
    assert "nothing to do" in site.publish("one")
    site.write(app__js="let release = 2;\n")
    with pytest.raises(CommandError, match="AccessDenied"):
        site.publish("one", replace_release=True)
    site.publish("two")
    releases("pin", "one")
    releases("unpin", "one")
    releases("prune", "--keep", "1", "--days", "0")

    assert site.manifest("one") is None and site.manifest("two") is not None


def test_ceph_16_does_not_know_the_condition_and_denies_every_manifest(ceph, site, documents):
    """As the guide says. If this fails, Ceph supports the condition now, and the test above can use the server."""
    ceph.client().put_bucket_policy(Bucket=site.bucket, Policy=json.dumps(documents["ManifestsAreWrittenOnce"]))

    with pytest.raises(CommandError, match="AccessDenied"):
        site.publish("one")
