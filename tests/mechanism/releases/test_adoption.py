"""Files that Django's own storage published before, in the same static root."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.mechanism.releases.command import files, published, releases

DJANGO = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}


@pytest.fixture
def old(site, settings):
    """Files published before the project used releases: example.txt, with different content."""
    site.write("example.txt", "before")
    settings.STORAGES = settings.STORAGES | {"staticfiles": DJANGO}
    call_command("collectstatic", interactive=False, verbosity=0)
    site.write("example.txt", "now")
    return json.loads((site.root / "staticfiles.json").read_bytes())["paths"]["example.txt"]


def adopted(site):
    [release_id] = [release_id for release_id in published(site) if release_id.startswith("before-")]
    return release_id


def test_collectstatic_suggests_to_adopt_it_until_it_is_adopted(site, old):
    said = site.publish("one")
    assert f"{site.root / 'staticfiles.json'} is the manifest of files published before" in said
    assert "manage.py releases adopt" in said

    releases("adopt")

    assert "before" not in site.publish("two")


def test_it_becomes_a_pinned_release_with_the_same_manifest(site, old):
    site.publish("one")
    before = (site.root / "staticfiles.json").read_bytes()

    out, err = releases("adopt")

    release_id = adopted(site)
    assert f"now release {release_id}. It is pinned" in out and err == ""
    assert (site.root / "staticfiles.json").read_bytes() == before
    assert (site.root / ".releases" / release_id / "staticfiles.json").read_bytes() == before
    assert f"Release {release_id} is intact" in releases("verify", release_id)[0]
    [row] = [release for release in json.loads(releases("--json")[0])["releases"] if release["id"] == release_id]
    assert row["pinned"] and row["environments"] == {}


def test_adopting_it_supersedes_nothing(site, old):
    site.publish("one")

    releases("adopt")

    [one] = [release for release in json.loads(releases("--json")[0])["releases"] if release["id"] == "one"]
    assert one["superseded_at"] is None


def test_prune_refuses_until_it_is_adopted_and_then_keeps_its_files(site, old):
    for release_id in ("one", "two"):
        site.write("example.txt", release_id)
        site.publish(release_id)
    before = site.state()

    with pytest.raises(CommandError, match="Nothing was deleted: .*manage.py releases adopt"):
        releases("prune", "--keep=1", "--days=0")
    assert files(site) == {name for name in before if not name.startswith(".releases/")}

    releases("adopt")
    assert "1 release and 1 file deleted" in releases("prune", "--keep=1", "--days=0")[0]
    assert (site.root / old).read_text() == "before"


def test_prune_goes_on_once_the_old_manifest_is_deleted_and_the_release_unpinned(site, old):
    site.publish("one")
    releases("adopt")

    (site.root / "staticfiles.json").unlink()
    releases("unpin", adopted(site))
    releases("prune")

    assert published(site) == ["one"]
    assert not (site.root / old).exists()
    assert site.read("one", "example.txt") == "now"


def test_a_manifest_that_the_old_code_writes_later_is_adopted_beside_the_first(site, old, settings):
    site.publish("one")
    releases("adopt")
    settings.STORAGES = settings.STORAGES | {"staticfiles": DJANGO}
    site.write("example.txt", "a fix of the old code")
    call_command("collectstatic", interactive=False, verbosity=0)

    site.write("example.txt", "now")
    assert "manage.py releases adopt" in site.publish("two")
    releases("adopt")

    assert len([release_id for release_id in published(site) if release_id.startswith("before-")]) == 2


def test_a_manifest_elsewhere_is_adopted_by_its_path(site, old, tmp_path):
    site.publish("one")
    (site.root / "staticfiles.json").rename(tmp_path / "old.json")

    releases("adopt", str(tmp_path / "old.json"))

    assert f"Release {adopted(site)} is intact" in releases("verify", adopted(site))[0]


def test_files_that_the_old_manifest_names_and_that_do_not_exist_are_a_warning(site, old):
    site.publish("one")
    (site.root / old).unlink()

    assert f"1 of the files in this manifest are not in {site.root}: {old}" in releases("adopt")[1]


def test_without_a_manifest_there_is_nothing_to_adopt_and_nothing_to_suggest(site, tmp_path):
    assert "adopt" not in site.publish("one")

    with pytest.raises(CommandError, match=f"no manifest of Django's own storage to adopt.\n  looked at: {site.root}"):
        releases("adopt")
    with pytest.raises(CommandError, match=f"looked at: {tmp_path}/no.json"):
        releases("adopt", str(tmp_path / "no.json"))


def test_another_file_of_that_name_is_nothing_to_suggest_and_an_error_to_adopt(site):
    site.write("staticfiles.json", '{"mine": true}')
    assert "adopt" not in site.publish("one")
    assert "1 release stays" in releases("prune")[0]

    with pytest.raises(CommandError, match="is not a manifest of version"):
        releases("adopt")


def test_the_manifest_of_a_release_needs_no_adoption(site):
    site.publish("one")

    with pytest.raises(CommandError, match="already belongs to a release"):
        releases("adopt", str(site.root / ".releases" / "one" / "staticfiles.json"))
