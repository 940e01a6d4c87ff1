import hashlib
import io
import os
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError

from release_static.manifest import Manifest
from release_static.publishing import checksums
from release_static.staging.options import make_stage

DJANGO = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
ENHANCED = "django_manifeststaticfiles_enhanced.storage.EnhancedManifestStaticFilesStorage"
MODULES = {"BACKEND": ENHANCED, "OPTIONS": {"support_js_module_import_aggregation": True}}


class ModulesStorage(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


class BannerStorage(ManifestStaticFilesStorage):
    def save(self, name, content, max_length=None):
        return super().save(name, ContentFile(b"banner " + content.read()), max_length)


class NumberedStorage(ManifestStaticFilesStorage):
    @staticmethod
    def file_hash(name, content=None):
        return "0123456789ab"


class SavesInUpperCase(ManifestStaticFilesStorage):
    def _save(self, name, content):
        upper = b"".join(content.chunks()).upper()
        return super()._save(name, ContentFile(upper))  # type: ignore[misc]


class OnlyHashedNames(ManifestStaticFilesStorage):
    def file_hash(self, name, content=None):
        return hashlib.sha256(content.read()).hexdigest()[:20] if name else super().file_hash(name, content)


@pytest.fixture
def stage(tmp_path):
    folder = tmp_path / "stage"
    folder.mkdir()
    return make_stage({"BACKEND": DJANGO}, folder, "/static/")


def open_source(path: Path, content: bytes) -> File:
    path.write_bytes(content)
    return File(open(path, "rb"))


def test_content_that_is_a_files_own_is_not_copied(stage, tmp_path):
    stage.save("a.txt", open_source(tmp_path / "source", b"text"))

    assert os.listdir(stage.location) == []
    assert stage.exists("a.txt")
    assert stage.open("a.txt").read() == b"text"


def test_content_from_memory_stays_there_until_a_storage_asks_for_its_path(stage):
    stage.save("a.txt", ContentFile(b"text"))

    assert stage.exists("a.txt")
    assert stage.open("a.txt").read() == b"text"
    assert not Path(stage.location, "a.txt").exists()
    assert Path(stage.path("a.txt")).read_bytes() == b"text"
    assert stage.open("a.txt").read() == b"text"


def test_a_storage_that_saves_in_its_own_way_does(site):
    site.write("a.css", "a { background: url(example.txt) }")
    site.publish("one", stage="tests.mechanism.staging.test_stage.SavesInUpperCase")

    assert site.read("one", "a.css").startswith("A { BACKGROUND: URL(")


def test_when_there_is_no_more_space_content_is_written(stage, monkeypatch):
    monkeypatch.setattr(stage, "_space", 4)
    for name in ("a.txt", "b.txt"):
        stage.save(name, ContentFile(b"text"))

    assert not Path(stage.location, "a.txt").exists()
    assert Path(stage.location, "b.txt").read_bytes() == b"text"
    stage.delete("a.txt")
    stage.save("c.txt", ContentFile(b"text"))
    assert not Path(stage.location, "c.txt").exists()


def test_content_that_a_finder_decodes_is_written(stage, tmp_path):
    import gzip

    packed = tmp_path / "source.gz"
    packed.write_bytes(gzip.compress(b"text"))
    with gzip.open(packed) as decoded:
        stage.save("a.txt", File(decoded))  # type: ignore[arg-type]

    assert Path(stage.location, "a.txt").read_bytes() == b"text"


def test_content_that_only_has_the_name_and_size_of_a_source_is_written(stage, tmp_path):
    # As circular imports do whose hash is that of a group of files.
    with open_source(tmp_path / "source", b"text") as source:
        hashed = stage.hashed_name("a.js", source)

    stage.save(hashed, ContentFile(b"next"))

    assert stage.open(hashed).read() == b"next"


def test_content_that_django_left_as_it_is_is_not_copied(stage, tmp_path):
    with open_source(tmp_path / "source", b"text") as source:
        hashed = stage.hashed_name("a.js", source)
    content = ContentFile(b"text")
    assert stage.hashed_name("a.js", content) == hashed  # which reads it to its end

    stage.save(hashed, content)

    assert os.listdir(stage.location) == []
    assert stage.open(hashed).read() == b"text"


def test_a_file_of_a_finder_is_noted_unless_the_finder_reads_it_in_its_own_way(stage, tmp_path):
    class Decoding(FileSystemStorage):
        def _open(self, name, mode="rb"):
            return ContentFile(b"decoded")

    (tmp_path / "a.txt").write_bytes(b"text")

    assert stage.collect("a.txt", FileSystemStorage(tmp_path), "a.txt")
    assert not stage.collect("b.txt", Decoding(tmp_path), "a.txt")

    assert stage.open("a.txt").read() == b"text"
    assert not stage.exists("b.txt")


def test_no_source_is_hashed_twice_for_all_that_is_told_of_it(site, monkeypatch):
    site.write("style.css", "@import 'more.css'; a { background: url(example.txt) }")
    site.write("more.css", "a { background: url(example.txt) }")
    hashed = []

    def see(stream, *arguments):
        hashed.append(os.path.basename(getattr(stream, "name", "")))
        return digest(stream, *arguments)

    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", see)

    site.publish("one")

    assert hashed.count("example.txt") == hashed.count("more.css") == hashed.count("style.css") == 1
    manifest = Manifest.parse((site.root / ".releases/one/staticfiles.json").read_bytes(), "here")
    for name, (size, md5) in checksums.parse(manifest).items():
        content = (site.root / name).read_bytes()
        assert (size, md5) == (len(content), hashlib.md5(content).hexdigest())


def test_who_asks_for_the_path_of_a_noted_file_finds_its_content_there(stage, tmp_path):
    stage.save("folder/a.txt", open_source(tmp_path / "source", b"text"))

    assert Path(stage.path("folder/a.txt")).read_bytes() == b"text"


def test_without_symbolic_links_the_content_is_copied(stage, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    stage.save("a.txt", open_source(tmp_path / "source", b"text"))

    assert Path(stage.path("a.txt")).read_bytes() == b"text"


@pytest.mark.parametrize("linked", [False, True])
def test_deleting_a_noted_file_leaves_its_source(stage, tmp_path, linked):
    stage.save("a.txt", open_source(tmp_path / "source", b"text"))
    if linked:
        stage.path("a.txt")

    stage.delete("a.txt")

    assert not stage.exists("a.txt")
    assert os.listdir(stage.location) == []
    assert (tmp_path / "source").read_bytes() == b"text"


def test_references_are_rewritten_as_django_does(site):
    site.write("css/style.css", "@import 'more.css'; a { background: url(../example.txt#x) }")
    site.write("css/more.css", "b { background: url('../example.txt') }")

    site.publish("one")

    more = site.storage("one").stored_name("css/more.css").removeprefix("css/")
    assert f'@import url("{more}")' in site.read("one", "css/style.css")
    assert 'url("../example.149603e6c035.txt#x")' in site.read("one", "css/style.css")
    assert 'url("../example.149603e6c035.txt")' in site.read("one", "css/more.css")


def test_every_hashed_name_has_the_hash_of_its_content(site):
    site.write("style.css", "@import 'more.css';")
    site.write("more.css", "a { background: url(example.txt) }")
    site.write("plain.js", "const plain = 1\n")

    site.publish("one")

    for hashed in site.manifest("one")["paths"].values():
        assert hashed.split(".")[-2] == hashlib.md5((site.root / hashed).read_bytes()).hexdigest()[:12]


def test_intermediate_files_are_not_published(site):
    # Three levels, so that Django hashes the upper ones more than once.
    site.write("a.css", "@import 'b.css';")
    site.write("b.css", "@import 'c.css';")
    site.write("c.css", "x { background: url(example.txt) }")

    site.publish("one")

    paths = site.manifest("one")["paths"]
    private = {".releases/one/staticfiles.json", ".releases/one/environment-production.json"}
    assert set(site.state()) == {*paths, *paths.values(), *private}


@pytest.mark.parametrize("stage", [DJANGO, WHITENOISE, ENHANCED])
def test_a_missing_source_map_is_a_warning_with_file_and_line(site, stage):
    site.write("lib/a.js", "let a = 1\n\n//# sourceMappingURL=a.js.map\n")
    site.write("lib/b.css", "a { color: red }\n/*# sourceMappingURL=b.css.map */")

    output = site.publish("one", stage=stage)

    assert "Warning: lib/a.js, line 3, refers to lib/a.js.map, which is not among the static files." in output
    assert "Warning: lib/b.css, line 2, refers to lib/b.css.map, which is not among the static files." in output
    assert output.count("Warning:") == 2
    assert "sourceMappingURL=a.js.map" in site.read("one", "lib/a.js")


def test_a_source_map_that_is_there_is_rewritten(site):
    site.write("a.js", "let a = 1\n//# sourceMappingURL=a.js.map\n")
    site.write("a.js.map", "{}")

    site.publish("one")

    assert f"sourceMappingURL={site.storage('one').stored_name('a.js.map')}" in site.read("one", "a.js")


@pytest.mark.parametrize("stage", [DJANGO, WHITENOISE, ENHANCED])
@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("url(no.png)", "css/no.png"),
        ("url('no%20such.png')", "css/no such.png"),
        ("url(../../../../etc/passwd)", "../../../etc/passwd"),
        ('url("/static/img/no.png?v=1#x")', "img/no.png"),
    ],
)
def test_a_dangling_reference_stops_the_release(site, stage, reference, target):
    site.write("css/style.css", "a { color: red }\n\nb { background: " + reference + " }\n")

    with pytest.raises(CommandError) as error:
        site.publish("one", stage=stage)

    assert f"css/style.css, line 3, refers to {target}" in str(error.value)
    assert "Correct the reference, add the file, or leave out the file that refers to it" in str(error.value)
    assert site.state() == {}


def test_all_dangling_references_are_named_at_once(site):
    site.write("a.css", "a { background: url(one.png) }")
    site.write("b.css", "b { background: url(two.png) }")

    with pytest.raises(CommandError) as error:
        site.publish("one")

    assert "a.css, line 1, refers to one.png" in str(error.value)
    assert "b.css, line 1, refers to two.png" in str(error.value)


def test_a_file_that_is_no_text_stops_the_release(site):
    site.write("style.css", b"\xff\xfe a { }")

    with pytest.raises(CommandError, match=r"style.css, line 1, cannot be processed: 'utf-8' codec"):
        site.publish("one")


def test_circular_imports_stop_djangos_storage_with_the_files_named(site):
    site.write("a.js", 'import "./b.js";\n')
    site.write("b.js", 'import "./a.js";\n')

    with pytest.raises(CommandError, match=r"a.js, b.js cannot be processed: Max post-process passes exceeded"):
        site.publish("one", stage=f"{__name__}.ModulesStorage")


def test_turning_import_rewriting_on_leaves_the_older_release_byte_for_byte(site):
    # Django's own storage deletes main.<md5 of the original>.js here, which release one serves.
    site.write("main.js", 'import "./other.js";\n')
    site.write("other.js", "export const a = 1;\n")
    site.publish("one")
    before = site.state()

    site.publish("two", stage=f"{__name__}.ModulesStorage")

    after = site.state()
    assert {name: after[name] for name in before} == before
    assert site.read("one", "main.js") == 'import "./other.js";\n'
    assert site.storage("two").stored_name("other.js") in site.read("two", "main.js")


def test_es_modules_and_circular_imports_with_the_enhanced_storage(site):
    site.write("a.js", 'import { b } from "./b.js";\nexport const a = 1;\n')
    site.write("b.js", 'import { a } from "./a.js";\nexport const b = 2;\n')

    site.publish("one", stage=MODULES)

    storage = site.storage("one")
    assert f'"./{storage.stored_name("b.js")}"' in site.read("one", "a.js")
    assert f'"./{storage.stored_name("a.js")}"' in site.read("one", "b.js")


@pytest.mark.parametrize(
    "script",
    [
        'import { b } from "./b.js";\n',
        "import{b}from'./b.js'\n",
        'import { b }\n  from\n  "./b.js";\n',
        'import "./b.js";\n',
        'export * from "../static/b.js";\n',
        'addEventListener("load", () => import("./b.js"));\n',
        "alert(1)\n//# sourceMappingURL=b.js\n",
    ],
)
def test_every_reference_that_the_enhanced_storage_finds_in_a_script_is_rewritten(site, script):
    site.write("static/a.js", script)
    site.write("static/b.js", "export const b = 2;\n")

    site.publish("one", stage=MODULES)

    assert Path(site.storage("one").stored_name("static/b.js")).name in site.read("one", "static/a.js")


def test_each_pattern_for_comments_and_strings_is_searched_for(tmp_path):
    stage = make_stage(MODULES, tmp_path, "/static/")
    text = '/* a */ "b"'

    assert stage.get_ignored_blocks(text, re.compile(r"/\*.*?\*/")) == [(0, 7)]
    assert stage.get_ignored_blocks(text, re.compile(r'"[^"]*"')) == [(8, 11)]


def test_what_the_enhanced_storage_is_told_to_ignore_is_ignored(site):
    site.write("style.css", "a { background: url(no.png) }")

    site.publish("one", stage={"BACKEND": ENHANCED, "OPTIONS": {"ignore_errors": ["style.css:no.png"]}})

    assert "url(no.png)" in site.read("one", "style.css")


def test_compressed_siblings_are_published_before_the_manifest(site):
    site.write("style.css", "a { color: red }\n" * 100)

    site.publish("one", stage=WHITENOISE)

    hashed = site.manifest("one")["paths"]["style.css"]
    manifest_written = (site.root / ".releases/one/staticfiles.json").stat().st_ctime_ns
    for name in ("style.css", hashed):
        for encoding in (".gz", ".br"):
            assert (site.root / (name + encoding)).stat().st_ctime_ns <= manifest_written
    import brotli  # type: ignore[import-untyped]

    assert brotli.decompress((site.root / (hashed + ".br")).read_bytes()).decode() == site.read("one", "style.css")


def test_compressing_the_same_again_is_a_no_op(site):
    site.write("style.css", "a { color: red }\n" * 100)
    site.publish("one", stage=WHITENOISE)
    before = site.state()

    assert "nothing to do" in site.publish("one", stage=WHITENOISE)
    assert site.state() == before


def test_a_release_without_originals(site, settings):
    settings.WHITENOISE_KEEP_ONLY_HASHED_FILES = True

    site.publish("one", stage=WHITENOISE)

    private = {".releases/one/staticfiles.json", ".releases/one/environment-production.json"}
    assert set(site.state()) == {"example.149603e6c035.txt", *private}


def test_another_hash_function(site):
    site.publish("one", stage=f"{__name__}.OnlyHashedNames")

    assert site.manifest("one")["paths"] == {"example.txt": f"example.{hashlib.sha256(b'old').hexdigest()[:20]}.txt"}
    assert site.read("one", "example.txt") == "old"


@pytest.mark.parametrize(
    "stage",
    [
        "no.such.Storage",
        "django.core.files.storage.FileSystemStorage",
        "os.path",
        "storages",
        {},
        {"BACKEND": DJANGO, "OPTIONS": {"keep_original_files": False}},
        {"BACKEND": DJANGO, "OPTIONS": {"location": "/elsewhere"}},
    ],
)
def test_a_stage_that_cannot_be_one_is_an_error_that_names_the_setting(site, stage):
    with pytest.raises(CommandError, match=r'OPTIONS"\]\["stage"'):
        site.publish("one", stage=stage)


def test_under_debug_the_same_is_published(site, settings):
    site.write("style.css", "a { background: url(example.txt) }")
    site.publish("one")
    settings.DEBUG = True

    assert "nothing to do" in site.publish("one")


def test_standard_error_has_the_warnings(site):
    from django.core.management import call_command

    site.write("a.js", "//# sourceMappingURL=a.js.map\n")
    site.run_release("one")
    errors = io.StringIO()

    call_command("collectstatic", interactive=False, stdout=io.StringIO(), stderr=errors)

    assert "a.js, line 1, refers to a.js.map" in errors.getvalue()


def test_a_storage_that_saves_its_own_way_does_so(site):
    site.publish("one", stage=f"{__name__}.BannerStorage")

    assert (site.root / "example.txt").read_text() == "banner old"


def test_a_storage_may_hash_with_any_kind_of_function(site):
    site.publish("one", stage=f"{__name__}.NumberedStorage")

    assert site.manifest("one")["paths"] == {"example.txt": "example.0123456789ab.txt"}


class ForgetfulStorage(ManifestStaticFilesStorage):
    def post_process(self, paths, dry_run=False, **options):
        yield from super().post_process(paths, dry_run=dry_run, **options)
        self.delete(self.hashed_files["example.txt"])


def test_a_manifest_that_names_a_file_that_is_not_staged_is_an_error_that_names_it(site):
    with pytest.raises(
        CommandError, match=r"named example.txt example.149603e6c035.txt, but did not save a file with that name"
    ):
        site.publish("one", stage=f"{__name__}.ForgetfulStorage")

    assert site.state() == {}


@pytest.mark.parametrize("keep", [True, False])
def test_originals_that_the_enhanced_storage_is_told_to_leave_out_are_not_published(site, keep):
    site.write("style.css", "a { background: url(example.txt) }")

    site.publish("one", stage={"BACKEND": ENHANCED, "OPTIONS": {"keep_original_files": keep}})

    paths = site.manifest("one")["paths"]
    originals = set(paths) if keep else set()
    private = {".releases/one/staticfiles.json", ".releases/one/environment-production.json"}
    assert set(site.state()) == {*originals, *paths.values(), *private}
    assert site.sources.joinpath("example.txt").read_text() == "old"
