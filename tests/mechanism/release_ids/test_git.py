"""The commit as the release id, in every kind of checkout."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from release_static.release_id_strategies import git_hash
from release_static.release_ids.resolve import ReleaseIdError, validate
from tests.project import ROOT, Project, environment

# As much of gpg as git asks for.
GPG = """#!/bin/sh
case "$*" in
*--verify*)
    echo "[GNUPG:] GOODSIG 0 Ada"
    echo "gpg: Good signature from Ada" >&2
    ;;
*)
    cat > /dev/null
    echo "[GNUPG:] SIG_CREATED D" >&2
    echo "-----BEGIN PGP SIGNATURE-----"
    echo "-----END PGP SIGNATURE-----"
    ;;
esac
"""
ALLOW_FILES = ("-c", "protocol.file.allow=always")


@pytest.fixture
def repository(tmp_path, project_at):
    """A repository with a commit, and the project in a folder of it."""
    repository = Project(tmp_path / "repository")
    (repository.path / "site").mkdir(parents=True)
    (repository.path / "site" / "style.css").write_text("one\n")
    (repository.path / "logo.png").write_bytes(bytes(range(256)))
    repository.commit("One")
    project_at(repository.path / "site")
    return repository


def head(project):
    return project.run("git", "rev-parse", "HEAD").stdout.strip()


def test_a_checkout_is_named_by_its_commit(repository):
    commit = head(repository)
    assert git_hash() == commit


def test_a_checkout_without_a_branch_is_named_by_its_commit(repository):
    repository.run("git", "checkout", "-q", "--detach")
    commit = head(repository)
    assert git_hash() == commit


def test_packed_references_are_found(repository):
    repository.run("git", "tag", "-a", "v1", "-m", "v1")
    repository.run("git", "branch", "other")
    repository.run("git", "pack-refs", "--all")
    assert not (repository.path / ".git" / "refs" / "heads" / "main").exists()
    commit = head(repository)
    assert git_hash() == commit


def test_a_shallow_clone_is_named_by_its_commit(repository, tmp_path, project_at):
    commit = repository.commit("Two")
    repository.run("git", "clone", "-q", "--depth=1", repository.path.as_uri(), tmp_path / "clone")
    project_at(tmp_path / "clone" / "site")
    assert git_hash() == commit


def test_a_worktree_is_named_by_its_own_commit(repository, tmp_path, project_at):
    repository.run("git", "worktree", "add", "-q", "-b", "feature", tmp_path / "worktree")
    commit = Project(tmp_path / "worktree").commit("In the worktree")
    assert commit != head(repository)
    project_at(tmp_path / "worktree" / "site")
    assert git_hash() == commit


def test_a_submodule_is_named_by_its_own_commit(repository, tmp_path, project_at):
    outer = Project(tmp_path / "outer")
    outer.path.mkdir()
    outer.commit("Outer")
    outer.run("git", *ALLOW_FILES, "submodule", "--quiet", "add", repository.path, "inner")
    outer.commit("With a submodule")
    project_at(outer.path / "inner" / "site")
    commit = head(repository)
    assert git_hash() == commit


def test_a_repository_without_a_commit_has_no_id(tmp_path, project_at):
    Project(tmp_path).run("git", "init", "-q", "-b", "main")
    project_at(tmp_path)
    with pytest.raises(ReleaseIdError, match="git says: .* does not have any commits"):
        git_hash()


def test_a_folder_without_a_repository_has_no_id(tmp_path, project_at):
    project_at(tmp_path)
    with pytest.raises(ReleaseIdError, match="git says: .*not a git repository"):
        git_hash()


def test_without_a_git_program_there_is_no_id(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReleaseIdError, match="git is not installed. Install git, or set RELEASE_ID"):
        git_hash()


def test_a_git_program_that_cannot_be_run_is_an_error(repository, monkeypatch, tmp_path):
    (tmp_path / "git").write_text("#!/no/such/interpreter\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReleaseIdError, match="git cannot be run .*Permission denied"):
        git_hash()


def test_a_repository_of_another_owner_is_read(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    # The machine's own configuration must not be what makes it work.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    refused = subprocess.run(["git", "log"], cwd=repository.path, capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr

    assert git_hash() == repository.run("git", "-c", "safe.directory=*", "log", "-1", "--format=%H").stdout.strip()


def test_the_repository_of_a_hook_is_not_taken_for_the_project(repository, tmp_path, monkeypatch):
    pushed = Project(tmp_path / "pushed")
    pushed.path.mkdir()
    pushed.commit("Pushed to")
    for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(name, str(pushed.path / value))
    assert git_hash() == head(repository)


def test_a_change_gives_an_id_of_its_own_and_says_so(repository, caplog):
    commit = head(repository)
    style = repository.path / "site" / "style.css"

    style.write_text("two\n")
    two = git_hash()
    again = git_hash()
    style.write_text("three\n")
    three = git_hash()
    style.write_text("one\n")

    assert two == again
    assert len({commit, two, three}) == 3
    assert two.startswith(f"{commit}-dirty-") and validate(two) == two
    assert f"this release is {two}" in caplog.text
    assert git_hash() == commit


def test_a_change_is_the_same_whether_it_is_staged_or_not(repository):
    (repository.path / "site" / "style.css").write_text("two\n")
    unstaged = git_hash()
    repository.run("git", "add", "-A")
    assert git_hash() == unstaged


def test_a_change_of_a_binary_file_gives_an_id_of_its_own(repository):
    found = set()
    for byte in (b"\0", b"\1"):
        (repository.path / "logo.png").write_bytes(byte * 256)
        found.add(git_hash())
    assert len(found) == 2


@pytest.fixture
def library(repository, tmp_path):
    """A repository that the project has as its submodule `library`."""
    library = Project(tmp_path / "library")
    library.path.mkdir()
    (library.path / "lib.css").write_text("one\n")
    library.commit("Library")
    repository.run("git", *ALLOW_FILES, "submodule", "--quiet", "add", library.path, "library")
    repository.commit("With a submodule")
    return library


def test_a_change_within_a_submodule_gives_an_id_of_its_own(repository, library):
    commit = head(repository)
    found = [git_hash()]
    for text in ("two\n", "three\n"):
        (repository.path / "library" / "lib.css").write_text(text)
        found.append(git_hash())
    Project(repository.path / "library").commit("Three")
    found.append(git_hash())
    assert found[0] == commit
    assert len(set(found)) == 4


def test_files_that_git_does_not_track_in_a_submodule_change_nothing(repository, library):
    (repository.path / "library" / "notes.txt").write_text("untracked")
    repository.run("git", "config", "diff.ignoreSubmodules", "none")
    assert git_hash() == head(repository)


def test_how_a_submodule_shows_changes_does_not_change_the_id(repository, library):
    (repository.path / "library" / "lib.css").write_text("two\n")
    expected = git_hash()
    for name, value in {"core.abbrev": "12", "diff.external": "false", "diff.noprefix": "true"}.items():
        repository.run("git", "-C", "library", "config", name, value)
    repository.run("git", "config", "diff.ignoreSubmodules", "all")
    assert git_hash() == expected


def test_a_submodule_without_changes_of_its_own_changes_nothing(repository, library):
    inner = Project(repository.path / "library")
    (inner.path / "windows.css").write_bytes(b"one\r\n")
    inner.commit("Two")
    (inner.path / ".gitattributes").write_text("*.css text\n")
    inner.run("git", "add", ".gitattributes")
    inner.run("git", "commit", "-qm", "Three")
    commit = repository.commit("The new library")
    (inner.path / "windows.css").touch()
    assert "m library" in repository.run("git", "status", "--short").stdout

    assert git_hash() == commit


@pytest.mark.parametrize("option", ["--recurse-submodules", "--no-recurse-submodules"])
def test_a_clean_checkout_has_the_same_id_with_its_submodules_and_without(repository, library, copy, tmp_path, option):
    repository.run("git", *ALLOW_FILES, "clone", "-q", option, repository.path, tmp_path / "clone")
    assert (tmp_path / "clone" / "library" / "lib.css").exists() == (option == "--recurse-submodules")
    copy(tmp_path / "clone")
    assert git_hash() == head(repository)


def test_another_commit_of_a_submodule_that_is_not_checked_out_gives_an_id_of_its_own(
    repository, library, copy, tmp_path
):
    repository.run("git", "clone", "-q", repository.path, tmp_path / "clone")
    copied = copy(tmp_path / "clone")
    found = set()
    for message in ("Two", "Three"):
        copied.run("git", "update-index", "--cacheinfo", f"160000,{library.commit(message)},library")
        found.add(git_hash())
    assert len(found - {head(repository)}) == 2


def test_every_kind_of_change_gives_an_id_of_its_own(repository):
    site = repository.path / "site"
    (site / "link").symlink_to("style.css")
    (site / os.fsdecode(b"odd\n\xff")).write_text("one\n")
    found = [repository.commit("Two")]

    def note():
        found.append(git_hash())
        repository.run("git", "reset", "-q", "--hard")

    (site / "style.css").chmod(0o755)
    note()
    (site / "style.css").unlink()
    note()
    (site / "style.css").rename(site / "moved.css")
    repository.run("git", "add", "-A")
    note()
    for name in ("new.css", "other.css"):
        (site / name).write_text("one\n")
        repository.run("git", "add", "-A")
        note()
    (site / "link").unlink()
    (site / "link").symlink_to("moved.css")
    note()
    (site / "link").unlink()
    (site / "link").write_text("style.css")
    note()
    (site / os.fsdecode(b"odd\n\xff")).write_text("two\n")
    note()

    assert len(set(found)) == len(found) == 9


def test_files_that_git_does_not_track_change_nothing(repository, caplog):
    (repository.path / "site" / "notes.txt").write_text("untracked")
    assert git_hash() == head(repository)
    assert caplog.text == ""


def test_untracked_static_files_are_named_in_a_warning(repository, settings, caplog):
    static = repository.path / "site" / "static"
    prefixed = repository.path / "prefixed"
    for name in ("static/a.css", "static/ignored.css", "static/.DS_Store", "notes.txt"):
        (repository.path / "site" / name).parent.mkdir(exist_ok=True)
        (repository.path / "site" / name).write_text("untracked")
    prefixed.mkdir()
    for number in range(4):
        (prefixed / f"{number}.css").write_text("untracked")
    (repository.path / ".gitignore").write_text("ignored.css\n")
    repository.run("git", "add", ".gitignore")
    repository.run("git", "commit", "-qm", "Ignore")
    elsewhere = repository.path.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.css").write_text("in no repository")
    (elsewhere / "link").symlink_to(prefixed)
    settings.STATICFILES_DIRS = [
        elsewhere,
        static,
        ("prefix", str(elsewhere / "link")),
        repository.path / "no such folder",
    ]

    assert git_hash() == head(repository)

    [warning] = caplog.messages
    assert f"untracked files that commit {head(repository)} does not contain: " in warning
    assert ": prefixed/0.css, prefixed/1.css, prefixed/2.css and 2 more. " in warning


def test_untracked_files_in_the_static_folder_of_an_app_are_named_in_a_warning(
    repository, settings, monkeypatch, caplog
):
    app = repository.path / "site" / "shop_of_the_git_test"
    (app / "static").mkdir(parents=True)
    (app / "__init__.py").touch()
    repository.commit("An app")
    monkeypatch.syspath_prepend(repository.path / "site")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, app.name]
    (app / "static" / "shop.css").write_text("untracked")

    assert git_hash() == head(repository)
    assert "site/shop_of_the_git_test/static/shop.css. Commit them" in caplog.text


def test_a_file_that_was_only_touched_changes_nothing(repository):
    os.utime(repository.path / "site" / "style.css", (1, 1))
    assert git_hash() == head(repository)


@pytest.fixture
def copy(repository, tmp_path, project_at):
    """copy(): a copy of the checkout is now the project. Git cannot rely on time stamps there, so it reads every file."""

    def copy(source=repository.path):
        shutil.copytree(source, tmp_path / "copy", symlinks=True, copy_function=shutil.copyfile)
        project_at(tmp_path / "copy" / "site")
        return Project(tmp_path / "copy")

    return copy


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_a_clean_checkout_has_the_same_id_with_any_line_endings(repository, copy, tmp_path, autocrlf):
    (repository.path / "site" / "windows.css").write_bytes(b"one\r\ntwo\r\n")
    commit = repository.commit("Two")
    repository.run("git", "clone", "-q", "-c", f"core.autocrlf={autocrlf}", repository.path, tmp_path / "clone")
    assert (b"\r" in (tmp_path / "clone" / "site" / "style.css").read_bytes()) == (autocrlf == "true")
    copied = copy(tmp_path / "clone")
    copied.run("git", "config", "diff.autoRefreshIndex", "false")
    assert git_hash() == commit


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_line_endings_that_an_attribute_would_convert_are_no_change(repository, copy, object_format):
    shutil.rmtree(repository.path / ".git")
    repository.run("git", "init", "-q", "-b", "main", f"--object-format={object_format}")
    windows = repository.path / "site" / "windows.css"
    windows.write_bytes(b"one\r\ntwo\r\n")
    repository.commit("Two")
    (repository.path / ".gitattributes").write_text("*.css text\n")
    repository.run("git", "add", ".gitattributes")
    repository.run("git", "commit", "-qm", "Three")
    copied = copy()
    assert "windows.css" in copied.run("git", "status", "--short").stdout

    assert git_hash() == head(repository)
    (copied.path / "site" / "windows.css").write_bytes(b"one\r\nthree\r\n")
    assert git_hash() != head(repository)


@pytest.mark.parametrize("configured", [True, False])
def test_files_of_git_lfs_are_no_change_on_a_machine_without_git_lfs(repository, copy, configured):
    logo = repository.path / "logo.png"
    content = logo.read_bytes()
    logo.write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(content).hexdigest()}\nsize {len(content)}\n"
    )
    (repository.path / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    commit = repository.commit("In LFS")
    copied = copy()
    if configured:
        for name, value in {"clean": "no-such-git-lfs %f", "process": "no-such-git-lfs", "required": "true"}.items():
            copied.run("git", "config", f"filter.lfs.{name}", value)

    found = [git_hash()]
    for data in (content, b"other"):
        (copied.path / "logo.png").write_bytes(data)
        found.append(git_hash())

    assert found[:2] == [commit, commit]
    assert found[2].startswith(f"{commit}-dirty-")


def test_another_filter_whose_program_is_missing_is_an_error(repository, copy):
    (repository.path / ".gitattributes").write_text("*.png filter=crypt\n")
    repository.commit("Encrypted")
    copied = copy()
    copied.run("git", "config", "filter.crypt.clean", "no-such-git-crypt")
    copied.run("git", "config", "filter.crypt.required", "true")
    with pytest.raises(ReleaseIdError, match="logo.png: clean filter 'crypt' failed"):
        git_hash()


def test_how_a_person_likes_to_see_changes_does_not_change_the_id(repository, monkeypatch):
    lines = [f"{number}\n" for number in range(20)]
    (repository.path / "site" / "long.css").write_text("".join(lines))
    repository.commit("Two")
    (repository.path / "site" / "long.css").write_text("".join(lines[:9] + ["changed\n"] + lines[10:]))
    (repository.path / "logo.png").rename(repository.path / "moved.png")
    repository.run("git", "add", "-A")
    expected = git_hash()
    likes = {
        "color.diff": "always",
        "core.abbrev": "12",
        "diff.algorithm": "patience",
        "diff.autoRefreshIndex": "false",
        "diff.context": "9",
        "diff.external": "false",
        "diff.interHunkContext": "5",
        "diff.mnemonicPrefix": "true",
        "diff.noprefix": "true",
        "diff.orderFile": "no-such-file",
        "diff.relative": "true",
        "diff.renames": "false",
        "diff.submodule": "log",
    }
    for name, value in likes.items():
        repository.run("git", "config", name, value)
    os.utime(repository.path / "site" / "style.css", (1, 1))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=9")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert git_hash() == expected


def test_a_signature_is_not_taken_for_the_id(repository, tmp_path):
    (tmp_path / "gpg").write_text(GPG)
    (tmp_path / "gpg").chmod(0o755)
    repository.run("git", "config", "gpg.program", tmp_path / "gpg")
    repository.run("git", "config", "log.showSignature", "true")
    repository.run("git", "commit", "-q", "--allow-empty", "--gpg-sign=Ada", "-m", "Signed")
    assert "Good signature" in repository.run("git", "log", "-1").stdout

    assert git_hash() == head(repository)


def test_another_process_gives_the_same_id_for_the_same_change(repository):
    (repository.path / "site" / "style.css").write_text("two\n")
    script = (
        "from django.conf import settings; settings.configure();"
        "import release_static; release_static.__file__ = 'site/release_static/__init__.py';"
        "from release_static.release_id_strategies import git_hash; print(git_hash())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository.path,
        env=environment(PYTHONPATH=str(ROOT / "template")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == git_hash()
