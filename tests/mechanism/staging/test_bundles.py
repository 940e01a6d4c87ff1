import io
import json
import os
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from release_static.manifest import Manifest
from release_static.publishing import checksums
from tests.mechanism.staging.test_stage import DJANGO, ENHANCED, MODULES, WHITENOISE

STAGES = pytest.mark.parametrize(
    "stage", [DJANGO, WHITENOISE, ENHANCED, MODULES], ids=["Django", "WhiteNoise", "enhanced", "modules"]
)

MAIN = 'import("./chart-4b_LhyRt.js"); //# sourceMappingURL=main-DGX9sz5U.js.map\n'
VITE = {
    "_shared-BXDQhaQe.js": {"file": "assets/shared-BXDQhaQe.js", "name": "shared"},
    "src/chart.js": {
        "file": "assets/chart-4b_LhyRt.js",
        "name": "chart",
        "src": "src/chart.js",
        "isDynamicEntry": True,
        "css": ["assets/chart-BQt7GpdT.css"],
    },
    "src/main.js": {
        "file": "assets/main-DGX9sz5U.js",
        "name": "main",
        "src": "src/main.js",
        "isEntry": True,
        "imports": ["_shared-BXDQhaQe.js"],
        "dynamicImports": ["src/chart.js"],
        "assets": ["assets/logo-C9mLoDcj.svg"],
    },
}
FILES = {
    "assets/shared-BXDQhaQe.js": "export const shared = 1;\n",
    "assets/chart-4b_LhyRt.js": 'import "./shared-BXDQhaQe.js";\n',
    "assets/chart-BQt7GpdT.css": ".chart { background: url(./logo-C9mLoDcj.svg) }\n",
    "assets/main-DGX9sz5U.js": MAIN,
    "assets/logo-C9mLoDcj.svg": "<svg/>",
}


class Build:
    """What Vite leaves in `dist`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / ".vite" / "manifest.json"
        self.write(FILES)
        self.write({".vite/manifest.json": json.dumps(VITE), "favicon.txt": "from Vite's public folder"})

    def write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


@pytest.fixture
def build(tmp_path, settings, site) -> Build:
    build = Build(tmp_path / "dist")
    settings.STATICFILES_DIRS = [site.sources, build.folder]
    return build


@STAGES
def test_a_bundles_files_are_published_once_under_their_own_names_as_they_are(site, build, stage):
    site.publish("one", stage=stage, bundles=[build.manifest])

    paths = site.manifest("one")["paths"]
    assert {name: paths[name] for name in FILES} == {name: name for name in FILES}
    assert {name: (site.root / name).read_text() for name in FILES} == FILES
    published = {name for name in site.state() if not name.endswith((".gz", ".br"))}
    assert {name for name in published if name.startswith("assets/")} == set(FILES)
    # Not the bundler's to hash, so Django does.
    assert paths["favicon.txt"] != "favicon.txt"


@STAGES
def test_a_reference_to_a_bundles_file_stays_as_it_is(site, build, stage):
    site.write(
        "style.css", "a { background: url('assets/logo-C9mLoDcj.svg?v=1#x') } b { background: url(example.txt) }"
    )

    site.publish("one", stage=stage, bundles=[build.manifest])

    style = site.read("one", "style.css")
    assert "assets/logo-C9mLoDcj.svg?v=1#x" in style
    assert site.storage("one").stored_name("example.txt") in style


def test_the_manifest_of_the_release_says_what_their_content_is(site, build):
    site.publish("one", bundles=[build.manifest])

    manifest = Manifest.parse((site.root / ".releases/one/staticfiles.json").read_bytes(), "here")
    assert checksums.parse(manifest)["assets/main-DGX9sz5U.js"].size == len(MAIN)
    before = manifest.hash
    build.write({"assets/main-EHY0ta6V.js": MAIN})
    renamed = json.dumps(VITE).replace("main-DGX9sz5U.js", "main-EHY0ta6V.js")
    build.write({".vite/manifest.json": renamed})
    (build.folder / "assets/main-DGX9sz5U.js").unlink()
    site.publish("two", bundles=[build.manifest])
    assert site.manifest("two")["hash"] != before


def test_publishing_a_bundle_again_is_a_no_op(site, build):
    site.publish("one", bundles=[build.manifest])
    before = site.state()

    assert "nothing to do" in site.publish("one", bundles=[build.manifest])
    assert site.state() == before


def test_what_is_compressed_beside_a_bundles_files_is_published_with_them(site, build):
    build.write({"assets/main-DGX9sz5U.js.gz": "compressed by a plugin of Vite"})

    site.publish("one", bundles=[build.manifest])

    assert "assets/main-DGX9sz5U.js.gz" not in site.manifest("one")["paths"]
    assert {name for name in site.state() if ".gz" in name} == {"assets/main-DGX9sz5U.js.gz"}


def test_a_storage_that_compresses_also_compresses_a_bundles_files(site, build):
    build.write({"assets/main-DGX9sz5U.js": MAIN * 100})

    site.publish("one", stage=WHITENOISE, bundles=[build.manifest])

    assert {"assets/main-DGX9sz5U.js.gz", "assets/main-DGX9sz5U.js.br"} < set(site.state())


def test_a_source_map_may_change_while_its_file_does_not(site, build):
    for release_id in ("one", "two"):
        build.write({"assets/main-DGX9sz5U.js.map": f'{{"release": "{release_id}"}}'})
        assert "damaged" not in site.publish(release_id, bundles=[build.manifest])

    assert (site.root / "assets/main-DGX9sz5U.js.map").read_text() == '{"release": "two"}'
    assert {name for name in site.state() if ".map" in name} == {"assets/main-DGX9sz5U.js.map"}
    call_command("releases", "verify", "one", stdout=io.StringIO())


def test_a_folder_of_staticfiles_dirs_may_have_a_prefix(site, build, settings):
    settings.STATICFILES_DIRS = [site.sources, ("shop", build.folder)]

    site.publish("one", bundles=[str(build.manifest)])

    paths = site.manifest("one")["paths"]
    assert {name for name, stored in paths.items() if name == stored} == {f"shop/{name}" for name in FILES}


def test_a_manifest_may_stand_in_the_output_folder_itself_and_be_reached_by_a_link(site, build, tmp_path):
    os.replace(build.manifest, build.folder / "manifest.json")
    (tmp_path / "current").symlink_to(tmp_path)

    site.publish("one", bundles=[tmp_path / "current" / "dist" / "manifest.json"])

    paths = site.manifest("one")["paths"]
    assert {name for name, stored in paths.items() if name == stored} == set(FILES)


def test_the_stats_of_webpack_name_absolute_paths(site, build, tmp_path):
    names = ["main-1600c775a7f521d3364f.js", "469-40c4bf6fecb486724d81.js", "8ab4c1f69e15f90fb4f1.svg"]
    beside = ["main-1600c775a7f521d3364f.js.map", "main-1600c775a7f521d3364f.js.LICENSE.txt"]
    build.write({name: name for name in [*names, *beside]})
    assets = {name: {"name": name, "path": str(build.folder / name)} for name in [*names, *beside]}
    stats = tmp_path / "webpack-stats.json"
    stats.write_text(json.dumps({"status": "done", "assets": assets, "chunks": {"main": names[:1]}}))

    site.publish("one", bundles=[stats])

    paths = site.manifest("one")["paths"]
    assert {name for name, stored in paths.items() if name == stored} == set(names)
    assert beside[0] not in paths
    assert beside[1] in paths


def test_in_a_folder_every_file_is_a_bundlers(site, build):
    build.write({"assets/worker-a7Ki1QfV.js": "not in Vite's manifest", "assets/main-DGX9sz5U.js.map": "{}"})

    site.publish("one", bundles=[build.folder / "assets"])

    paths = site.manifest("one")["paths"]
    assert {name for name, stored in paths.items() if name == stored} == {*FILES, "assets/worker-a7Ki1QfV.js"}


def test_without_the_option_django_hashes_everything(site, build):
    site.publish("one")

    assert all(name != stored for name, stored in site.manifest("one")["paths"].items())


def fails(site, bundle) -> str:
    with pytest.raises(CommandError) as error:
        site.publish("one", bundles=[bundle])
    assert site.state() == {}
    return str(error.value)


@pytest.mark.parametrize("bundles", ["dist", Path("dist"), None])
def test_an_option_that_is_no_list_is_an_error(site, bundles):
    with pytest.raises(CommandError, match=r'OPTIONS"\]\["bundles"\] is .*\. Make it a list of paths'):
        site.publish("one", bundles=bundles)


def test_a_manifest_that_does_not_exist_is_an_error(site, build, tmp_path):
    message = fails(site, tmp_path / "no" / "manifest.json")

    assert f"The bundler's manifest {tmp_path / 'no' / 'manifest.json'} does not exist." in message
    assert 'OPTIONS"]["bundles"]' in message and "npm run build" in message


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "1", '{"a": 1}', '{"a": {}}', '{"status": "compile"}', '{"status": "done"}', '{"a": {"file": 1}}'],
)
def test_what_is_no_manifest_of_a_bundler_is_an_error(site, build, content):
    build.manifest.write_text(content)

    assert f"{build.manifest} is not a manifest of Vite or webpack-bundle-tracker" in fails(site, build.manifest)


def test_a_file_that_was_not_built_is_an_error(site, build):
    (build.folder / "assets/main-DGX9sz5U.js").unlink()

    message = fails(site, build.manifest)

    assert f"{build.folder / 'assets/main-DGX9sz5U.js'}, which the manifest {build.manifest} lists," in message
    assert "run the bundler again" in message


def test_a_file_that_was_not_collected_is_an_error(site, build, settings):
    settings.STATICFILES_DIRS = [site.sources]

    assert "is not among the static files" in fails(site, build.manifest)


def test_a_file_that_another_folder_hides_is_an_error(site, build):
    site.write("assets/main-DGX9sz5U.js", "of the same name")

    message = fails(site, build.manifest)

    assert f"{build.folder / 'assets/main-DGX9sz5U.js'}, which" in message
    assert "STATICFILES_DIRS, before any other folder with a file of this name" in message


def test_a_folder_that_no_static_file_is_in_is_an_error(site, build, tmp_path):
    other = tmp_path / "other"
    other.mkdir()

    assert f"There are no static files from the bundle {other}." in fails(site, other)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_name_without_a_hash_that_comes_with_other_content_stops_the_release(site, build, dry_run):
    site.publish("one", bundles=[build.manifest])
    before = site.state()
    build.write({"assets/main-DGX9sz5U.js": "other content", "assets/new-BC9VhCn9.js": "new"})
    build.write({".vite/manifest.json": json.dumps(VITE | {"new": {"file": "assets/new-BC9VhCn9.js"}})})

    with pytest.raises(CommandError) as error:
        site.publish("two", bundles=[build.manifest], dry_run=dry_run)

    message = str(error.value)
    assert message.startswith("assets/main-DGX9sz5U.js is published already, with other content.")
    assert f"published: {site.root / 'assets/main-DGX9sz5U.js'}" in message
    assert f"now:       {build.folder / 'assets/main-DGX9sz5U.js'}" in message
    assert "[name]-[hash].js" in message
    assert site.state() == before


@pytest.mark.parametrize("arguments", [[], ["--replace-release"]])
def test_nor_does_the_same_release_replace_it(site, build, arguments):
    site.publish("one", bundles=[build.manifest])
    before = site.state()
    build.write({"assets/main-DGX9sz5U.js": "other content"})

    with pytest.raises(CommandError, match="is published already, with other content"):
        site.publish("one", *arguments, bundles=[build.manifest])

    assert site.state() == before


def test_a_bundles_file_that_is_missing_is_published_again(site, build):
    site.publish("one", bundles=[build.manifest])
    (site.root / "assets/main-DGX9sz5U.js").unlink()

    assert "is complete again" in site.publish("one", bundles=[build.manifest])
    assert (site.root / "assets/main-DGX9sz5U.js").read_text() == MAIN


@pytest.mark.parametrize("stage", [DJANGO, WHITENOISE], ids=["Django", "WhiteNoise"])
def test_of_15_builds_a_prune_leaves_the_files_of_the_live_one(site, build, stage):
    for n in range(15):
        shutil.rmtree(build.folder)
        # Every third build has a chunk of its own, the rest is shared.
        names = {"main.js": f"main-{n:08}.js", "chart.js": f"chart-{n // 3:08}.js", "logo.svg": "logo-C9mLoDcj.svg"}
        content = {f"assets/{name}": name * 200 for name in names.values()}
        build.write(content | {f"assets/{names['main.js']}.map": f"map {n}", "favicon.txt": f"icon {n}"})
        build.write({".vite/manifest.json": json.dumps({of: {"file": f"assets/{name}"} for of, name in names.items()})})
        site.publish(f"release-{n}", stage=stage, bundles=[build.manifest])
    assert len(list((site.root / "assets").glob("main-*.js"))) == 15

    call_command("releases", "prune", "--keep=1", "--days=0", stdout=io.StringIO())

    live = {*content, f"assets/{names['main.js']}.map"}
    copies = {f"{name}{suffix}" for name in live for suffix in (".gz", ".br")}
    left = {name for name in site.state() if name.startswith("assets/")}
    assert left - copies == live
    assert bool(left & copies) is (stage == WHITENOISE)


def test_a_release_that_did_not_know_the_bundle_keeps_its_originals(site, build):
    site.publish("before")
    site.publish("after", bundles=[build.manifest])
    site.write("example.txt", "new")
    for folder in (build.folder / "assets", build.folder / ".vite"):
        shutil.rmtree(folder)
    site.publish("without")

    call_command("releases", "prune", "--keep=1", "--days=0", stdout=io.StringIO())

    # To visitors they are originals, which stay.
    assert {name for name in site.state() if name.startswith("assets/")} == set(FILES)


def test_verify_finds_and_repairs_a_damaged_file_of_a_bundle(site, build):
    site.publish("one", bundles=[build.manifest])
    (site.root / "assets/main-DGX9sz5U.js").write_text("damaged")
    with pytest.raises(CommandError, match="is published already, with other content"):
        site.publish("one", bundles=[build.manifest])

    with pytest.raises(CommandError):
        call_command("releases", "verify", stdout=io.StringIO(), stderr=io.StringIO())
    call_command("releases", "verify", "--repair", stdout=io.StringIO(), stderr=io.StringIO())

    assert (site.root / "assets/main-DGX9sz5U.js").read_text() == MAIN
