import pytest
from django.core.management import CommandError

from release_static.manifest import Manifest
from release_static.publishing import checksums, locks
from release_static.publishing.destination import Entry, PublishError, Source, StagedFile
from release_static.publishing.directory import Directory
from release_static.publishing.publish import prepare


class Compared(Directory):
    """Content matches if the sizes do."""

    def matches(self, file, entry):
        return file.size == entry.size


def staged(name: str, hashed: bool = False) -> StagedFile:
    return StagedFile(name, Source.in_memory(b"abc"), hashed)


def plan_for(files, existing):
    entries = {name: Entry(name, size, 0) for name, size in existing.items()}
    return prepare("one", "production", Manifest({"a": "a"}, "abc", {}), files, entries, Compared("/nowhere"))


def test_a_plan_uploads_what_is_missing_damaged_or_outdated_and_nothing_else():
    files = [
        staged("new.txt"),
        staged("new.1.txt", hashed=True),
        staged("old.txt"),
        staged("old.1.txt", hashed=True),
        staged("same.txt"),
        staged("same.1.txt", hashed=True),
    ]

    plan = plan_for(files, {"old.txt": 4, "old.1.txt": 4, "same.txt": 3, "same.1.txt": 3, "foreign.txt": 3})

    assert [file.name for file in plan.missing] == ["new.txt", "new.1.txt"]
    assert [file.name for file in plan.damaged] == ["old.1.txt"]
    assert [file.name for file in plan.outdated] == ["old.txt"]
    assert [file.name for file in plan.unchanged] == ["same.txt", "same.1.txt"]


def test_hashed_files_go_before_originals():
    files = [staged("a.txt"), staged("a.1.txt", hashed=True), staged("b.txt"), staged("b.1.txt", hashed=True)]

    assert [file.name for file in plan_for(files, {}).uploads] == ["a.1.txt", "b.1.txt", "a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("published", "plan"),
    [(b"same", "unchanged"), (None, "missing"), (b"else", "error")],
    ids=["with the same content", "no longer", "with other content"],
)
@pytest.mark.parametrize("matches", [False, None])
def test_a_bundlers_file_that_may_have_changed_is_read_and_never_replaced(
    tmp_path, monkeypatch, published, plan, matches
):
    source, root = tmp_path / "source", tmp_path / "root"
    source.write_bytes(b"same")
    root.mkdir()
    if published:
        (root / "main-BC9VhCn9.js").write_bytes(published)
    # As with an object in a bucket whose ETag is not the MD5 of its content.
    monkeypatch.setattr(Directory, "matches", lambda *arguments: matches)
    file = StagedFile("main-BC9VhCn9.js", Source.at(str(source)), hashed=True)
    manifest = Manifest({file.name: file.name}, "abc", {})
    arguments = ("one", "production", manifest, [file], {file.name: Entry(file.name, 4, 0)}, Directory(str(root)))

    if plan == "error":
        with pytest.raises(PublishError, match=r"main-BC9VhCn9\.js is published already, with other content"):
            prepare(*arguments)
    else:
        made = prepare(*arguments)
        assert (getattr(made, plan), made.damaged, made.outdated) == ([file], [], [])


@pytest.mark.parametrize(
    ("published", "mark"),
    [
        ({"one": 1, "two": 2}, True),
        ({"one": 2, "two": 1}, False),
        ({"one": 1, "two": 1}, True),
        ({"one": 1}, False),
        ({"two": 1}, True),
        ({}, True),
    ],
)
def test_a_release_is_marked_where_it_is_not_the_newest_of_its_environment(published, mark):
    names = {f".releases/{release_id}/environment-production.json": at for release_id, at in published.items()}
    # Other environments and markers that were emptied do not count.
    names |= {".releases/two/environment-staging.json": 9, ".releases/two/environment-production.json.gz": 9}
    existing = {name: Entry(name, 1, at) for name, at in names.items()}
    existing[".releases/three/environment-production.json"] = Entry("", 0, 9)

    plan = prepare("one", "production", Manifest({"a": "a"}, "abc", {}), [], existing, Compared("/nowhere"))

    assert plan.mark is mark


@pytest.mark.parametrize(("owner", "slow"), [(Directory, "upload"), (checksums, "of")], ids=["upload", "checksums"])
def test_no_manifest_is_written_once_the_lock_may_have_ended(site, monkeypatch, owner, slow):
    now, work = 0, getattr(owner, slow)

    def take_an_hour(*arguments):
        nonlocal now
        now += 60 * 60
        return work(*arguments)

    monkeypatch.setattr(locks, "_clocks", lambda: (now, now))
    monkeypatch.setattr(owner, slow, take_an_hour)

    with pytest.raises(CommandError, match="This took longer than 55 minutes"):
        site.publish("one")

    assert not (site.root / ".releases/one/staticfiles.json").exists()


def test_a_publisher_whose_lock_may_have_ended_while_it_wrote_the_manifest_fails(site, monkeypatch):
    """A prune may have deleted files of the release by then. The next run completes it."""
    now, write = 0, Directory.write_manifest

    def take_an_hour(*arguments, **options):
        nonlocal now
        now += 60 * 60
        write(*arguments, **options)

    monkeypatch.setattr(locks, "_clocks", lambda: (now, now))
    with monkeypatch.context() as slow, pytest.raises(CommandError, match="This took longer than 55 minutes"):
        slow.setattr(Directory, "write_manifest", take_an_hour)
        site.publish("one")
    [deleted] = site.root.glob("example.*.txt")
    deleted.unlink()

    assert "is complete again: 1 file published" in site.publish("one")
