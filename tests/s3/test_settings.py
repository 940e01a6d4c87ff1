import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from release_static import serving
from release_static.s3 import settings as s3_settings
from release_static.s3.settings import SettingsError
from tests.project import ROOT

BUCKET = {"AWS_STORAGE_BUCKET_NAME": "my-bucket"}


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "https://my-bucket.s3.amazonaws.com/static/"),
        ({"AWS_S3_REGION_NAME": "eu-west-3"}, "https://my-bucket.s3.eu-west-3.amazonaws.com/static/"),
        ({"AWS_REGION": "eu-west-3"}, "https://my-bucket.s3.eu-west-3.amazonaws.com/static/"),
        ({"AWS_S3_REGION_NAME": "cn-north-1"}, "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/static/"),
        (
            {"AWS_STORAGE_BUCKET_NAME": "my.bucket", "AWS_S3_REGION_NAME": "eu-west-3"},
            "https://s3.eu-west-3.amazonaws.com/my.bucket/static/",
        ),
        ({"AWS_S3_ENDPOINT_URL": "http://127.0.0.1:9000/"}, "http://127.0.0.1:9000/my-bucket/static/"),
        ({"AWS_S3_CUSTOM_DOMAIN": "cdn.example.com"}, "https://cdn.example.com/static/"),
        ({"AWS_S3_CUSTOM_DOMAIN": "https://cdn.example.com/"}, "https://cdn.example.com/static/"),
        ({"AWS_S3_CUSTOM_DOMAIN": " cdn.example.com:8443\n"}, "https://cdn.example.com:8443/static/"),
        ({"AWS_S3_CUSTOM_DOMAIN": "", "AWS_S3_ENDPOINT_URL": ""}, "https://my-bucket.s3.amazonaws.com/static/"),
        ({"STATIC_URL": "https://cdn.example.com"}, "https://cdn.example.com/"),
        ({"STATIC_URL": "https://cdn.example.com/a/"}, "https://cdn.example.com/a/"),
        ({"STATIC_URL": "/static"}, "/static/"),
    ],
)
def test_the_address_of_static_files_follows_from_the_environment(variables, address):
    assert s3_settings.static_url(BUCKET | variables) == address


def test_the_environment_comes_before_the_answer_to_the_question_for_a_cdn():
    assert s3_settings.static_url(BUCKET, "a.example.com") == "https://a.example.com/static/"
    domain = {"AWS_S3_CUSTOM_DOMAIN": "b.example.com"}
    assert s3_settings.static_url(BUCKET | domain, "a.example.com") == "https://b.example.com/static/"
    address = {"STATIC_URL": "https://c.example.com/static/"}
    assert s3_settings.static_url(BUCKET | address, "a.example.com") == "https://c.example.com/static/"


def test_in_development_the_site_itself_serves_static_files():
    variables = BUCKET | {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.com"}

    assert s3_settings.static_url(variables, "cdn.example.com", debug=True) == "/static/"


@pytest.mark.parametrize(
    "variables",
    [
        {"STATIC_URL": "cdn.example.com/static/"},
        {"STATIC_URL": "//cdn.example.com/static/"},
        {"STATIC_URL": "https:///static/"},
        {"STATIC_URL": "https://cdn.example.com/a b/"},
        {"STATIC_URL": "https://cdn.example.com/?v=1"},
        {"AWS_S3_CUSTOM_DOMAIN": "http://cdn.example.com"},
        {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.com/static"},
        {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.com, other.example.com"},
        {"AWS_S3_ENDPOINT_URL": "127.0.0.1:9000"},
        {"AWS_S3_ENDPOINT_URL": "s3.example.com"},
    ],
)
def test_what_is_no_address_is_refused_with_the_name_of_its_variable(variables):
    [name] = variables

    with pytest.raises(SettingsError, match=f"{name} is .*Write "):
        s3_settings.static_url(BUCKET | variables)
        s3_settings.bucket(BUCKET | variables)


@pytest.mark.parametrize("variables", [{}, {"AWS_STORAGE_BUCKET_NAME": ""}, {"AWS_STORAGE_BUCKET_NAME": " "}])
def test_settings_need_no_bucket(variables):
    endpoint = {"AWS_S3_ENDPOINT_URL": "https://s3.example.com"}

    assert s3_settings.bucket(variables)["bucket_name"] == ""
    assert s3_settings.static_url(variables) == s3_settings.static_url(variables | endpoint) == "/static/"
    assert s3_settings.static_url(variables, "cdn.example.com") == "https://cdn.example.com/static/"
    domain = {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.com"}
    assert s3_settings.static_url(variables | domain) == "https://cdn.example.com/static/"


def test_publishing_without_a_bucket_is_an_error_that_names_the_variable(site):
    site.options = s3_settings.bucket({})
    site.configure("one")

    with pytest.raises(CommandError, match="Set AWS_STORAGE_BUCKET_NAME in the environment"):
        call_command("collectstatic", interactive=False)


def test_a_server_without_a_bucket_is_told_which_variable_is_missing(site):
    site.options = s3_settings.bucket({})
    site.configure("one")

    assert "Set AWS_STORAGE_BUCKET_NAME in the environment" in (serving.problem() or "")


def test_amazon_gets_its_newer_checksums_and_its_own_style_of_address():
    config = s3_settings.bucket(BUCKET)["client_config"]

    assert config.s3 == {"addressing_style": "virtual"}
    assert getattr(config, "request_checksum_calculation", None) is None


def test_other_servers_get_neither():
    config = s3_settings.bucket(BUCKET | {"AWS_S3_ENDPOINT_URL": "https://s3.example.com"})["client_config"]

    assert config.s3 == {"addressing_style": "path"}
    assert config.request_checksum_calculation == config.response_checksum_validation == "when_required"


def test_there_are_as_many_connections_as_uploads_at_once():
    config = s3_settings.bucket(BUCKET)["client_config"]

    assert config.max_pool_connections == s3_settings.CONNECTIONS == 32
    assert config.retries["mode"] == "standard"


@pytest.mark.parametrize(
    ("url", "domain", "debug", "contradicts"),
    [
        ("https://a.example.com/static/", "a.example.com", False, False),
        ("https://A.example.com/static/", "https://a.example.com/", False, False),
        ("https://a.example.com/static/", "", False, False),
        ("https://a.example.com/static/", "b.example.com", False, True),
        ("https://a.example.com/static/", "a.example.com:8443", False, True),
        ("https://a.example.com/static/", "b.example.com", True, True),
        ("/static/", "b.example.com", False, True),
        ("/static/", "b.example.com", True, False),
    ],
)
def test_a_domain_and_an_address_that_contradict_each_other_are_an_error(url, domain, debug, contradicts):
    variables = BUCKET | {"STATIC_URL": url, "AWS_S3_CUSTOM_DOMAIN": domain}

    if contradicts:
        with pytest.raises(SettingsError, match="STATIC_URL is .*AWS_S3_CUSTOM_DOMAIN.*Set only one"):
            s3_settings.static_url(variables, debug=debug)
    else:
        assert s3_settings.static_url(variables, debug=debug) == url


def test_settings_import_neither_django_storages_nor_djangos_settings():
    script = (
        "import sys; from release_static.s3 import settings; "
        "assert not {'storages', 'django.conf'} & sys.modules.keys(), sorted(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", script], cwd=ROOT / "template", check=True)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "owner"}, "AWS_SECRET_ACCESS_KEY"),
        ({}, "NoCredentials|Unable to locate credentials"),
    ],
)
def test_credentials_come_from_boto3s_own_places_and_what_is_missing_is_named(site, monkeypatch, variables, says):
    site.options = s3_settings.bucket(
        {"AWS_STORAGE_BUCKET_NAME": site.bucket, "AWS_S3_ENDPOINT_URL": site.server.endpoint}
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    site.configure("one")

    with pytest.raises(CommandError, match=says):
        call_command("collectstatic", interactive=False)

    assert site.objects() == {}


def test_both_keys_in_the_environment_are_used(site, monkeypatch):
    site.options = s3_settings.bucket(
        {"AWS_STORAGE_BUCKET_NAME": site.bucket, "AWS_S3_ENDPOINT_URL": site.server.endpoint}
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", site.server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", site.server.secret)

    site.publish("one")

    assert site.manifest("one")


def test_a_profile_is_used_where_there_are_no_keys(site, monkeypatch, tmp_path):
    site.options = s3_settings.bucket(
        {"AWS_STORAGE_BUCKET_NAME": site.bucket, "AWS_S3_ENDPOINT_URL": site.server.endpoint}
    )
    (tmp_path / "credentials").write_text(
        f"[deploy]\naws_access_key_id = {site.server.key}\naws_secret_access_key = {site.server.secret}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "deploy")

    site.publish("one")

    monkeypatch.delenv("AWS_PROFILE")
    assert site.manifest("one")
