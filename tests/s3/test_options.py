"""Options of django-storages, and encryption, on any server."""

import hashlib

import pytest
from django.core.management import CommandError

from tests.s3.test_releases import releases

MANIFEST = "static/.releases/{}/staticfiles.json"


@pytest.fixture
def sent(site):
    """The headers of each write, by its key."""
    sent = {}

    def see(operation, request):
        if operation == "PutObject":
            key = request.url.partition(f"{site.bucket}/")[2]
            headers = {name.lower(): value for name, value in request.headers.items()}
            sent[key] = {name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}

    site.on_request = see
    return sent


def values(sent, header):
    """The headers of published files, and those of files in `.releases/`."""
    private = {key: headers.get(header) for key, headers in sent.items() if "/.releases/" in key}
    public = {key: headers.get(header) for key, headers in sent.items() if key not in private}
    return set(public.values()), set(private.values())


def test_object_parameters_are_those_of_published_files(site, sent):
    site.options = {
        "object_parameters": {"Metadata": {"team": "web"}, "StorageClass": "STANDARD", "CacheControl": "max-age=1"}
    }

    site.publish("one")

    assert values(sent, "x-amz-meta-team") == ({"web"}, {None})
    assert values(sent, "x-amz-storage-class") == ({"STANDARD"}, {None})
    # How long a file may be kept depends on its name.
    assert values(sent, "cache-control") == (
        {"public, max-age=60", "public, max-age=31536000, immutable"},
        {"no-store"},
    )


def test_objects_that_are_public_by_their_access_control_list(site, sent):
    site.options = {"default_acl": "public-read"}

    site.publish("one")

    assert values(sent, "x-amz-acl") == ({"public-read"}, {None})


def test_the_access_control_list_among_the_object_parameters_counts(site, sent):
    site.options = {"default_acl": "public-read", "object_parameters": {"ACL": "private"}}

    site.publish("one")

    assert values(sent, "x-amz-acl") == ({"private"}, {None})


def test_a_bucket_may_demand_that_every_object_is_encrypted(site, sent):
    """Like a policy that denies PutObject without this header."""
    site.options = {"object_parameters": {"ServerSideEncryption": "AES256"}}

    if site.server.is_ceph:
        # Without a key of its own it refuses to encrypt.
        with pytest.raises(CommandError, match=r"PutObject .*InvalidRequest|PutObject .*InvalidArgument|AccessDenied"):
            site.publish("one")
    else:
        site.publish("one")

    public, private = values(sent, "x-amz-server-side-encryption")
    assert public <= {"AES256"} and private == {"AES256"}


def test_gzip_is_refused_with_the_reason(site):
    site.options = {"gzip": True}

    with pytest.raises(CommandError, match="clients that do not accept gzip cannot read them"):
        site.publish("one")

    assert site.objects() == {}


@pytest.fixture
def kms(site):
    """Like SSE-KMS: an ETag is not a digest of the content."""

    def disguise(operation, parsed):
        for answer in (parsed, *parsed.get("Contents", ())):
            if "ETag" in answer:
                answer["ETag"] = f'"{hashlib.md5(answer["ETag"].encode()).hexdigest()}"'

    site.on_response = disguise
    return site


def test_where_etags_are_no_checksums_those_of_published_releases_count(kms):
    kms.publish("one")
    kms.write(app__js="let release = 2;\n")

    summary = kms.publish("two")

    changed = kms.manifest("two")["paths"]["app.js"]
    hashed = {f"static/{name}" for name in kms.manifest("two")["paths"].values()}
    assert hashed.intersection(kms.uploads()) == {f"static/{changed}"}
    assert "damaged" not in summary
    assert "intact" in releases("verify")
    # What the original holds, which any release may have replaced, is not known.
    assert "static/home.css" in kms.uploads()


def test_where_etags_are_no_checksums_a_file_of_no_release_goes_up_again_and_is_not_called_damaged(kms):
    kms.publish("one")
    kms.server.client().delete_object(Bucket=kms.bucket, Key=MANIFEST.format("one"))

    summary = kms.publish("one")

    assert {f"static/{name}" for name in kms.manifest("one")["paths"].values()} <= set(kms.uploads())
    assert "damaged" not in summary
    assert "0 unchanged" in summary


def test_where_etags_are_no_checksums_a_file_of_another_size_is_damaged(kms):
    kms.publish("one")
    hashed = f"static/{kms.manifest('one')['paths']['app.js']}"
    kms.server.client().put_object(Bucket=kms.bucket, Key=hashed, Body=b"let")

    assert "1 damaged" in kms.publish("one")
    assert kms.read(hashed) == b"let release = 1;\n"


def test_a_file_that_another_tool_copied_in_parts_is_compared_with_a_published_checksum(site):
    site.publish("one")
    hashed = f"static/{site.manifest('one')['paths']['app.js']}"
    client = site.server.client()
    target = {"Bucket": site.bucket, "Key": hashed}
    upload = client.create_multipart_upload(**target)["UploadId"]
    part = client.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"let release = 1;\n")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    client.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)
    assert "-1" in site.objects()[hashed]

    assert "nothing to do" in site.publish("one")


def test_where_etags_are_checksums_no_manifest_is_read_to_compare(site):
    site.publish("one")
    site.write(app__js="let release = 2;\n")
    hashed = f"static/{site.manifest('one')['paths']['home.css']}"
    site.server.client().put_object(Bucket=site.bucket, Key=hashed, Body=b"x" * len(site.read(hashed)))

    summary = site.publish("two")

    assert "1 damaged" in summary
    assert not [request for request in site.requests if request.startswith("GetObject")]
    assert len([request for request in site.requests if request.startswith("ListObjectsV2")]) == 1
