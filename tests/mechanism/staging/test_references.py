import itertools

import pytest
from django.core.management import CommandError

from tests.mechanism.staging.test_stage import DJANGO, ENHANCED, MODULES, WHITENOISE

DJANGO_MODULES = "tests.mechanism.staging.test_stage.ModulesStorage"
STAGES = [DJANGO, WHITENOISE, ENHANCED]


def error(site, stage, **options) -> str:
    with pytest.raises(CommandError) as raised:
        site.publish("one", stage=stage, **options)
    return str(raised.value)


def test_imports_that_djangos_own_storage_leaves_alone_are_a_warning(site):
    site.write("app.js", 'import { b } from "./b.js";\n\nimport("./c.js");\n')
    site.write("b.js", "export const b = 1;\n")
    site.write("c.js", "export const c = 1;\n")

    output = site.publish("one", stage=DJANGO)

    assert output.count("Warning:") == 1
    assert "These files load others under their original names. Another release may replace those" in output
    assert "\n  app.js: b.js (line 1), c.js (line 3)\n" in output


def test_imports_that_are_rewritten_are_no_warning(site):
    site.write("app.js", 'import { b } from "./b.js";\nimport("./c.js");\nexport * from "./c.js";\n')
    site.write("b.js", 'import "./app.js";\nexport const b = 1;\n')
    site.write("c.js", "export const c = 1;\n")
    site.write("style.css", '@import "more.css";\n')
    site.write("more.css", "a { background: url(example.txt) }\n")

    assert "Warning" not in site.publish("one", stage=MODULES)


def test_what_no_stage_can_rewrite_is_a_warning_with_file_line_and_target(site):
    site.write("js/app.js", '// new Worker("worker.js")\nnew Worker(new URL("./worker.js", import.meta.url));\n')
    site.write("js/worker.js", 'importScripts("part.js");\n')
    site.write("js/part.js", "import(`./locale/${language}.js`);\n")
    site.write("js/locale/de.js", "export default {};\n")
    site.write("js/page.mjs", 'import "./part.js";\n')

    output = site.publish("one", stage=MODULES)

    assert output.count("Warning:") == 1
    for line in (
        "js/app.js: js/worker.js (line 2)",
        "js/worker.js: js/part.js (line 1)",
        "js/part.js: js/locale/* (line 1)",
        "js/page.mjs: js/part.js (line 1)",
    ):
        assert f"\n  {line}\n" in output
    assert "Pass the URL from {% static %} to the script" in output


def test_an_import_of_a_variable_is_a_warning_even_where_references_are_errors(site):
    site.write("app.js", "\nimport(name);\n")
    site.write("fine.js", "import(/* @vite-ignore */ page.dataset.chart);\n")

    for references in ("warn", "error"):
        output = site.publish("one", stage=MODULES, references=references)

        assert output.count("Warning:") == 1
        assert "import() a module whose name is computed" in output
        assert "/* @vite-ignore */" in output
        assert "\n  app.js: line 2\n" in output


def test_what_a_bundler_wrote_is_not_judged(site):
    site.write("built/main-BC9VhCn9.js", 'import "./part-D0rUj3Jw.js";\nimport(name);\n')
    site.write("built/part-D0rUj3Jw.js", "export default 1;\n")

    assert "Warning" not in site.publish("one", stage=MODULES, bundles=[site.sources / "built"], references="error")


def test_a_reference_to_an_original_is_an_error_where_that_is_asked_for(site):
    site.write("app.js", '\nnew Worker("/static/worker.js");\n')
    site.write("worker.js", "let a = 1;\n")

    message = error(site, MODULES, references="error")

    assert message.endswith("\n  app.js: worker.js (line 2)")
    assert "under their original names" in message
    assert site.state() == {}


@pytest.mark.parametrize("value", ["Error", None, True])
def test_another_value_of_the_option_is_an_error_that_names_it(site, value):
    assert error(site, MODULES, references=value) == (
        f'STORAGES["staticfiles"]["OPTIONS"]["references"] is {value!r}. Set it to "warn" or "error".'
    )


def test_a_library_of_many_such_files_does_not_fill_the_screen(site):
    for number in range(30):
        site.write(f"lib/{number:02}.js", 'importScripts("a.js", "b.js", "c.js", "d.js", "e.js");\nimport(name);\n')
    for name in "abcde":
        site.write(f"lib/{name}.js", "let a = 1;\n//# sourceMappingURL=gone.js.map")
    for number in range(20):
        site.write(f"maps/{number:02}.js", f"//# sourceMappingURL={number}.js.map")

    output = site.publish("one", stage=MODULES)

    assert "  lib/00.js: lib/a.js (line 1), lib/b.js (line 1), lib/c.js (line 1), ... and 2 more\n" in output
    assert output.count("... and 20 more\n") == 2
    assert "Warning: ... and 15 more\n" in output
    assert len(output.splitlines()) < 50


def test_a_reference_to_an_original_that_is_not_published_leads_nowhere(site, settings):
    site.write("app.js", 'new Worker("worker.js");\n')
    site.write("worker.js", "let a = 1;\n")
    only_hashed = {"BACKEND": ENHANCED, "OPTIONS": {"keep_original_files": False}}

    assert "does not publish originals, so browsers get a 404" in site.publish("one", stage=only_hashed)
    settings.WHITENOISE_KEEP_ONLY_HASHED_FILES = True
    assert "does not publish originals, so browsers get a 404" in site.publish("two", stage=WHITENOISE)


@pytest.mark.parametrize("stage", STAGES)
def test_a_dangling_reference_is_in_its_own_line_and_not_in_one_that_looks_like_it(site, stage):
    site.write("css/img/no.png", "here")
    site.write(
        "css/style.css", "/* no.png */\na { background: url(img/no.png) }\nb { background: url('no.png?x#y') }\n"
    )

    assert error(site, stage).startswith("css/style.css, line 3, refers to css/no.png, which is not")


@pytest.mark.parametrize("stage", [DJANGO_MODULES, MODULES])
def test_a_dangling_import_is_in_the_line_of_its_path(site, stage):
    site.write(
        "js/app.js", '// see ./no.js\n/* import "./no.js"; */\nlet a = "no.js";\nimport {\n  b\n} from "./no.js";\n'
    )

    assert error(site, stage).startswith("js/app.js, line 6, refers to js/no.js, which is not")


@pytest.mark.parametrize("stage", [DJANGO_MODULES, DJANGO])
def test_a_dangling_reference_in_a_comment_too_is_in_the_line_of_the_code(site, stage):
    site.write("js/app.js", '/* import "./no.js"; */\nimport "./no.js";\n')
    site.write("js/style.css", "/* url('no.png') */\na { background: url('no.png') }")

    message = error(site, stage)

    assert "js/style.css, line 2, refers to js/no.png" in message
    assert ("js/app.js, line 2, refers to js/no.js" in message) is (stage != DJANGO)


@pytest.mark.parametrize("stage", STAGES)
def test_one_missing_source_map_of_many_files_is_blamed_on_the_one_that_names_it(site, stage):
    site.write("a.css", '@import "b.css";\n\n/*# sourceMappingURL=a.css.map */\n')
    site.write("b.css", '@import "c.css";\n')
    site.write("c.css", '@import "b.css";\n/*# sourceMappingURL=maps/c.css.map */\n')
    site.write("z.js", "//# sourceMappingURL=z.js.map\n")
    site.write("z.js.map", "{}")
    if stage != ENHANCED:  # which alone can resolve a circle
        site.write("c.css", "/*# sourceMappingURL=maps/c.css.map */\n")

    output = site.publish("one", stage=stage)

    assert output.count("Warning:") == 2
    assert "Warning: a.css, line 3, refers to a.css.map, which is not among the static files." in output
    line = 2 if stage == ENHANCED else 1
    assert f"Warning: c.css, line {line}, refers to maps/c.css.map, which is not among the static files." in output


def test_a_missing_source_map_is_an_error_where_the_stage_is_told_so(site):
    site.write("a.css", "\n/*# sourceMappingURL=a.css.map */\n")

    message = error(site, {"BACKEND": ENHANCED, "OPTIONS": {"sourcemap_strict": True}})

    assert message.startswith("a.css, line 2, refers to a.css.map, which is not")


def test_what_the_enhanced_storage_warns_of_is_one_line(site):
    site.write("app.js", 'import "./chunk";\n')

    output = site.publish("one", stage=MODULES)

    assert output.count("Warning:") == 1
    assert "Warning: 'app.js': import './chunk' on line 1: import \"./chunk\"; could not be resolved" in output


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_that_is_not_utf8_is_named_with_its_line(site, settings, stage):
    settings.STATICFILES_DIRS = [("vendor", site.sources)]
    site.write("style.css", b"a { color: red }\nb { content: '\xff' }")

    assert error(site, stage).startswith("vendor/style.css, line 2, cannot be processed: 'utf-8' codec")


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_that_is_not_utf8_is_not_taken_for_one_of_the_same_name_elsewhere(site, settings, tmp_path, stage):
    settings.STATICFILES_DIRS = [("vendor", tmp_path / "vendor"), site.sources]
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "style.css").write_text("a { color: red }")
    site.write("style.css", b"\xff")

    assert error(site, stage).startswith("style.css, line 1, cannot be processed")


@pytest.mark.parametrize("stage", [DJANGO, WHITENOISE])
def test_a_circle_is_shown_and_not_every_file_that_hangs_on_it(site, stage):
    site.write("a.css", '@import "b.css";')
    site.write("b.css", '@import "c.css";')
    site.write("c.css", '@import "a.css";')
    for number in range(20):
        site.write(f"page{number:02}.css", '@import "a.css";')

    message = error(site, stage)

    assert "a.css, b.css, c.css, page00.css, page01.css, ... and 18 more cannot be processed: Max post" in message
    assert "They refer to each other in a circle: " in message
    assert any(circle in message for circle in ("a.css -> b.css -> c.css", "b.css -> c.css -> a.css", "c.css -> a.css"))
    assert "EnhancedManifestStaticFilesStorage" in message
    assert "page19" not in message


def test_a_chain_that_is_too_long_for_django_is_called_that(site):
    # Django processes files in the order in which the file system lists them: one of the chains is against it.
    for letters in ("abcdefghij", "tsrqponmlk"):
        for name, following in sorted(itertools.pairwise(letters)):
            site.write(f"{name}.css", f'@import "{following}.css";')
        site.write(f"{letters[-1]}.css", "a { background: url(example.txt) }")

    message = error(site, DJANGO)

    assert "cannot be processed: Max post-process passes exceeded." in message
    assert "in a chain that is too long for Django's storage" in message


def test_a_dangling_reference_is_not_hidden_by_a_circle(site):
    site.write("a.js", 'import "./b.js";\n')
    site.write("b.js", 'import "./a.js";\n')
    site.write("c.js", '\nimport "./no.js";\n')

    assert error(site, DJANGO_MODULES).startswith("c.js, line 2, refers to no.js, which is not")


def test_code_that_django_takes_for_a_reference_is_cut_short(site):
    site.write("app.css", f"a {{ background: url({'x' * 300}) }}")

    assert f"app.css, line 1, refers to {'x' * 100}..., which is not" in error(site, DJANGO)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("name", "said"),
    [("back\\slash.txt", "back\\slash.txt contains a backslash"), ("latin\udce9.txt", "latin\\udce9.txt is not UTF-8")],
    ids=["backslash", "not UTF-8"],
)
def test_a_name_that_no_url_can_lead_to_is_an_error_that_names_the_file(site, stage, name, said):
    site.write(name, "text")

    assert error(site, stage).startswith(f"The name of the static file {said}")
    assert site.state() == {}


def test_what_stands_in_a_file_is_shown_escaped(site):
    site.write("app.css", "a { background: url('no\x1b[2J.png') }")

    assert "refers to no\\x1b[2J.png, which is not" in error(site, DJANGO)
