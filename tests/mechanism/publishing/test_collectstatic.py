import io
import json
import os
import re
import tempfile
from pathlib import Path

import pytest
from django.core.management import CommandError


def test_a_release_is_published_with_its_hashed_files_and_its_manifest(site):
    output = site.publish("one")

    manifest = site.manifest("one")
    assert manifest["paths"] == {"example.txt": "example.149603e6c035.txt"}
    assert manifest["release"]["id"] == "one"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", manifest["release"]["created_at"])
    assert (site.root / "example.149603e6c035.txt").read_text() == "old"
    assert (site.root / "example.txt").read_text() == "old"
    assert "Release one: 2 files published, 0 unchanged." in output
    assert str(site.root / ".releases/one/staticfiles.json") in output


def test_only_the_files_and_the_manifest_stay(site):
    site.publish("one")

    private = {".releases/one/staticfiles.json", ".releases/one/environment-production.json"}
    assert set(site.state()) == {"example.txt", "example.149603e6c035.txt", *private}


def test_django_reads_the_manifest_as_its_own(site):
    from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

    site.publish("one")

    django = ManifestStaticFilesStorage(location=site.root / ".releases/one")
    assert django.hashed_files == {"example.txt": "example.149603e6c035.txt"}
    assert django.manifest_hash == site.storage("one").manifest_hash


def test_publishing_the_same_again_is_a_no_op_that_says_so(site):
    site.publish("one")
    before = site.state()

    output = site.publish("one")

    assert "Release one is published already, nothing to do: 2 files unchanged." in output
    assert site.state() == before


def test_a_fresh_checkout_with_new_times_is_a_no_op(site):
    source = site.write("style.css", "body { background: url(example.txt) }")
    site.publish("one")
    before = site.state()

    for path in (source, site.sources / "example.txt"):
        os.utime(path, (1e9, 1e9))
    site.publish("one")

    assert site.state() == before


def test_the_same_id_with_other_content_is_refused_and_changes_nothing(site):
    site.publish("one")
    published = site.manifest("one")["hash"]
    before = site.state()
    site.write("example.txt", "new")

    with pytest.raises(CommandError) as error:
        site.publish("one")

    now = site.publish("two") and site.manifest("two")["hash"]
    assert {name: state for name, state in site.state().items() if name in before and name != "example.txt"} == {
        name: state for name, state in before.items() if name != "example.txt"
    }
    for part in ("Release one is published already", published, now, "RELEASE_ID=one-<build>", "--replace-release"):
        assert part in str(error.value)


def test_nothing_is_put_before_the_refusal(site):
    site.publish("one")
    before = site.state()
    site.write("example.txt", "new")

    with pytest.raises(CommandError):
        site.publish("one")

    assert site.state() == before


def test_replace_release_publishes_other_content_under_the_same_id(site):
    site.publish("one")
    site.write("example.txt", "new")

    site.publish("one", "--replace-release")

    assert site.read("one", "example.txt") == "new"
    assert (site.root / "example.149603e6c035.txt").read_text() == "old"


def test_a_damaged_manifest_is_refused_and_can_be_replaced(site):
    site.publish("one")
    manifest = site.root / ".releases/one/staticfiles.json"
    manifest.write_text('{"paths": {')

    with pytest.raises(CommandError, match=r"is not JSON[^$]*--replace-release"):
        site.publish("one")
    site.publish("one", "--replace-release")

    assert site.read("one", "example.txt") == "old"


def test_a_second_release_leaves_the_first_as_it_is(site):
    site.write("unchanged.txt", "same")
    site.publish("one")
    before = site.state()
    site.write("example.txt", "new")

    output = site.publish("two")

    after = site.state()
    assert {name: after[name] for name in before if name != "example.txt"} == {
        name: state for name, state in before.items() if name != "example.txt"
    }
    assert (site.read("one", "example.txt"), site.read("two", "example.txt")) == ("old", "new")
    assert "Release two: 2 files published, 2 unchanged." in output


def test_an_original_is_replaced_by_rename(site):
    site.publish("one")
    with open(site.root / "example.txt") as being_served:
        site.write("example.txt", "new")
        site.publish("two")

        assert being_served.read() == "old"
    assert (site.root / "example.txt").read_text() == "new"


def test_a_change_that_keeps_size_and_time_is_noticed(site):
    # As in an image whose build stamps every file with the same time.
    for release_id, content in (("one", "old"), ("two", "new")):
        os.utime(site.write("example.txt", content), (315532801, 315532801))
        site.publish(release_id)

    assert (site.root / "example.txt").read_text() == "new"


@pytest.mark.parametrize("damage", [b"", b"ol", b"xxx"], ids=["empty", "truncated", "other content"])
def test_a_damaged_file_is_repaired(site, damage):
    site.publish("one")
    hashed = site.root / "example.149603e6c035.txt"
    hashed.write_bytes(damage)

    output = site.publish("one")

    assert hashed.read_text() == "old"
    assert "Release one was published before, and is complete again" in output
    assert "0 files published, 1 unchanged, 1 damaged file repaired" in output


def test_a_rollback_says_that_it_replaces_originals_and_nothing_else(site):
    site.publish("one")
    site.write("example.txt", "new")
    site.publish("two")
    site.write("example.txt", "old")
    hashed = {name: status for name, status in site.state().items() if re.search(r"\.[0-9a-f]{12}\.", name)}

    output = site.publish("one")

    assert "\nRelease one was published before: 1 original replaced, 1 file unchanged.\n" in output
    assert (site.root / "example.txt").read_text() == "old"
    assert hashed.items() <= site.state().items() and len(hashed) == 2


def test_a_missing_file_of_a_published_release_is_put_back(site):
    site.publish("one")
    (site.root / "example.149603e6c035.txt").unlink()

    assert "is complete again: 1 file published, 1 unchanged" in site.publish("one")
    assert site.read("one", "example.txt") == "old"


def test_a_link_that_another_collectstatic_left_becomes_a_file(site):
    site.root.mkdir()
    (site.root / "example.txt").symlink_to(site.sources / "example.txt")

    site.publish("one")

    assert not (site.root / "example.txt").is_symlink()
    assert (site.root / "example.txt").read_text() == "old"


def test_files_and_directories_get_the_permissions_of_the_settings(site, settings):
    settings.FILE_UPLOAD_PERMISSIONS = 0o640
    settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o750
    site.write("deep/er/file.txt", "")

    site.publish("one")

    files = [site.root / name for name in site.state()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    assert {path.parent.stat().st_mode & 0o777 for path in files} == {0o750}


def test_a_web_server_of_another_user_can_read_what_is_published(site):
    site.publish("one")

    assert {(site.root / name).stat().st_mode & 0o777 for name in site.state()} == {0o644}


@pytest.mark.parametrize(
    ("option", "alternative"),
    [("--clear", "releases prune"), ("--link", "copies"), ("--no-post-process", "manifest")],
)
def test_options_that_would_break_the_promise_are_refused(site, option, alternative):
    site.publish("one")
    before = site.state()

    with pytest.raises(CommandError, match=f"{option} would .*{alternative}"):
        site.publish("two", option)

    assert site.state() == before


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(site):
    output = site.publish("one", "--dry-run")

    assert not site.root.exists()
    assert "Pretending to publish 'example.149603e6c035.txt'" in output
    assert "Dry run, nothing was written. Release one: 2 files would be published, 0 unchanged." in output


def test_a_dry_run_counts_what_is_there(site):
    site.publish("one")
    before = site.state()
    site.write("example.txt", "new")

    output = site.publish("two", "--dry-run")

    assert "2 files would be published, 0 unchanged" in output
    assert site.state() == before


def test_a_dry_run_refuses_what_the_run_would_refuse(site):
    site.publish("one")
    site.write("example.txt", "new")

    with pytest.raises(CommandError, match="Release one is published already"):
        site.publish("one", "--dry-run")


def test_a_dry_run_finds_a_dangling_reference(site):
    site.write("style.css", "a { background: url(no.png) }")

    with pytest.raises(CommandError, match=r"style.css, line 1, refers to no.png"):
        site.publish("one", "--dry-run")


def test_ignored_files_are_left_out(site):
    site.write("notes.md", "")

    site.publish("one", "-i", "*.md")

    assert list(site.manifest("one")["paths"]) == ["example.txt"]


@pytest.mark.parametrize("folder", [".releases", ".Releases"])
def test_a_file_that_would_land_among_the_manifests_is_refused(site, folder):
    site.write(f"{folder}/one/staticfiles.json", "{}")

    with pytest.raises(CommandError, match=rf"{folder}/one/staticfiles.json would land among the manifests"):
        site.publish("one", "--no-default-ignore")

    assert site.state() == {}


def test_a_static_file_may_be_called_like_the_manifest(site):
    site.write("staticfiles.json", "mine")

    site.publish("one")

    assert site.read("one", "staticfiles.json") == "mine"
    assert (site.root / "staticfiles.json").read_text() == "mine"


def test_a_project_without_static_files_is_told_so(site):
    (site.sources / "example.txt").unlink()

    with pytest.raises(CommandError, match="There are no static files"):
        site.publish("one")


def test_nothing_but_the_static_root_is_written_to(site, tmp_path, monkeypatch):
    """As in a container with a read-only file system, except for that volume."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))

    assert "Release one: 2 files published" in site.publish("one")
    assert "nothing to do" in site.publish("one")


def test_a_static_root_that_is_a_file_is_an_error_that_names_it(site):
    site.root.write_text("a file")

    with pytest.raises(
        CommandError, match=rf"STATIC_ROOT \({site.root}\) could not be read: Not a directory .*\nFix the cause"
    ):
        site.publish("one")


def test_a_folder_where_a_file_should_be_is_an_error_that_names_it(site):
    (site.root / "example.txt").mkdir(parents=True)

    with pytest.raises(CommandError, match=rf"Is a directory \({site.root / 'example.txt'}\)"):
        site.publish("one")


def test_a_file_where_a_folder_should_be_is_an_error_that_names_it(site):
    site.root.mkdir()
    (site.root / "css").write_text("a file")
    site.write("css/style.css", "")

    with pytest.raises(CommandError, match="could not be published"):
        site.publish("one")

    assert not (site.root / ".releases/one").exists()


def test_a_missing_static_root_is_an_error_that_names_the_setting(site, settings):
    settings.STATIC_ROOT = None

    with pytest.raises(CommandError, match="STATIC_ROOT is not set"):
        site.publish("one")


def test_without_a_terminal_the_question_is_an_error_that_names_the_option(site, monkeypatch):
    site.publish("one")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    with pytest.raises(CommandError, match="--noinput"):
        site.publish("one", interactive=True)


def test_verbosity_is_as_in_django(site):
    assert site.publish("one", verbosity=0) == ""
    site.write("example.txt", "new")
    assert "Published" not in site.publish("two", verbosity=1)
    site.write("example.txt", "newer")
    assert "Published 'example.txt'" in site.publish("three", verbosity=2)


def test_what_a_killed_publisher_left_is_removed_after_a_day(site):
    site.publish("one")
    abandoned, at_work = (site.root / ".releases" / name for name in (".tmp-abandoned", ".tmp-at-work"))
    for folder in (abandoned, at_work):
        folder.mkdir()
        (folder / "0").write_text("half")
    os.utime(abandoned, (1e9, 1e9))

    site.publish("two")

    assert (abandoned.exists(), at_work.exists()) == (False, True)


def test_with_another_storage_the_command_is_djangos(site, settings):
    from django.core.management import call_command

    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    call_command("collectstatic", interactive=False, verbosity=0)

    assert json.loads((site.root / "staticfiles.json").read_text())["paths"] == {
        "example.txt": "example.149603e6c035.txt"
    }


def test_a_source_that_changes_during_publication_is_not_published_under_the_old_hash(site, monkeypatch):
    from release_static.publishing import publish

    def change_then_prepare(*arguments, prepare=publish.prepare, **options):
        site.write("example.txt", "changed meanwhile")
        return prepare(*arguments, **options)

    monkeypatch.setattr("release_static.management.commands.collectstatic.prepare", change_then_prepare)

    with pytest.raises(CommandError, match="changed while it was being published"):
        site.publish("one")

    assert site.state() == {}


def test_released_files_are_independent_of_their_sources(site):
    site.publish("one")
    Path(site.sources / "example.txt").write_text("edited after the release")

    assert site.read("one", "example.txt") == "old"
