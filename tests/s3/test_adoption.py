"""A project that published to a bucket with django-storages before, and its options."""

import io
import json

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from tests.mechanism.releases.command import releases

DJANGO_STORAGES = "storages.backends.s3.S3ManifestStaticStorage"


@pytest.fixture
def old(site):
    """The hashed name of a style sheet that django-storages published, with different content."""
    site.write(home__css="body { color: red }")
    site.configure("one")
    staticfiles = site.settings.STORAGES["staticfiles"]
    options = {name: value for name, value in staticfiles["OPTIONS"].items() if name != "release_id"}
    site.settings.STORAGES = site.settings.STORAGES | {"staticfiles": {"BACKEND": DJANGO_STORAGES, "OPTIONS": options}}
    call_command("collectstatic", interactive=False, verbosity=0)
    site.write(home__css="body { color: blue }")
    return f"static/{json.loads(site.read('static/staticfiles.json'))['paths']['home.css']}"


def test_what_django_storages_published_stays_and_is_adopted(site, old):
    before = site.objects()
    said = io.StringIO()

    site.publish("one", stderr=said)

    assert f"s3://{site.bucket}/static/staticfiles.json is the manifest" in said.getvalue()
    assert {key: tag for key, tag in site.objects().items() if key in before and key != "static/home.css"} == {
        key: tag for key, tag in before.items() if key != "static/home.css"
    }
    with pytest.raises(CommandError, match="Nothing was deleted: .*releases adopt"):
        releases("prune")

    out, err = releases("adopt")
    site.write(home__css="body { color: green }")
    site.publish("two")
    releases("prune", "--keep=1", "--days=0")

    assert "It is pinned" in out and err == ""
    assert old in site.objects() and site.manifest("one") is None
    assert site.read("static/staticfiles.json") == site.read(
        next(key for key in site.objects() if "/before-" in key and key.endswith("staticfiles.json"))
    )


@pytest.mark.parametrize(("custom_domain", "host"), [("cdn.example.com", "cdn.example.com"), (None, None)])
def test_a_static_url_on_the_site_itself_is_a_warning(site, custom_domain, host):
    site.publish("one", verbosity=0)
    site.configure("one", custom_domain=custom_domain)
    ids = lambda: {str(message.id): str(message.hint) for message in run_checks(include_deployment_checks=True)}
    assert "release_static.W008" not in ids()

    site.settings.STATIC_URL = "/static/"

    url = f"https://{host or f'{site.bucket}.s3.amazonaws.com'}/static/"
    assert f'STATIC_URL = "{url}"' in ids()["release_static.W008"]
