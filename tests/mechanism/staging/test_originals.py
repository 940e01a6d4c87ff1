import time

import pytest

from release_static.staging.originals import find, resolve

# Each has another name when published, but for what a bundler hashed.
PATHS = {
    name: name.replace(".", ".0123456789ab.", 1)
    for name in ("js/app.js", "js/b.js", "js/b.css", "js/locale/de.js", "img/logo.png", "img/İ.PNG", "js/codec.wasm")
} | {"js/chunk-BC9VhCn9.js": "js/chunk-BC9VhCn9.js"}


def targets(text: str, name: str = "js/app.js", base_url: str = "/static/") -> list[str]:
    return [reference.target for reference in find(name, text.encode(), PATHS, base_url)]


@pytest.mark.parametrize(
    "code",
    [
        'import { b } from "./b.js";',
        "import{b}from'./b.js'",
        'import "./b.js"',
        'export*from"./b.js";',
        'export { b } from "../js/b.js?v=1#x";',
        'import("./b.js?v=" + version)',
        '\ufeffimport { b } from "./b.js";',
        'const b = await import("./b.js");',
        "import ( /* webpackChunkName: 'b' */ `./b.js` )",
        'import("/static/js/b.js", { with: {} })',
        'import.meta.resolve("./b.js")',
        'new URL("b.js", import.meta.url)',
        "new Worker(new URL('./b.js', import.meta.url), { type: 'module' })",
        'new Worker("b.js")',
        'new SharedWorker("/static/js/b.js")',
        'importScripts("b.js")',
        'importScripts("https://example.com/x.js", "b.js")',
    ],
)
def test_a_script_that_loads_an_original(code):
    assert targets(code) == ["js/b.js"]
    assert targets(f"let before = /['\"`]/.test(x) ? '/*' : `//${{'a'}}`;\n{code}") == ["js/b.js"]


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("import(`./locale/${language}.js`)", "js/locale/*"),
        ('import("./locale/d" + rest)', "js/locale/d*"),
        ("new URL(`../img/${name}.png`, import.meta.url)", "img/*"),
    ],
)
def test_a_path_of_which_only_the_beginning_is_known(code, target):
    assert targets(code) == [target]


@pytest.mark.parametrize(
    "code",
    [
        "import(name)",
        "import(page.dataset.chart)",
        "import(await locate('chart'))",
        "import ( base + '/b.js' )",
    ],
)
def test_an_import_that_only_the_browser_can_resolve(code):
    assert targets(code) == [""]


@pytest.mark.parametrize(
    "code",
    [
        "import { Vector3 } from 'three';",
        'import "b.js"',
        'import { b } from "./b.0123456789ab.js";',
        'import { b } from "./other.js";',
        'import "./chunk-BC9VhCn9.js"',
        'import "https://example.com/static/js/b.js"',
        'import "/js/b.js"',
        'import "//[/js/b.js"',
        "import(/* @vite-ignore */ name)",
        "import(name /* webpackIgnore: true */)",
        "import(`${base}/b.js`)",
        "import(`./other/${name}.js`)",
        "importer.import(name)",
        "class Importer { import(name) { } }",
        "reimport('./b.js')",
        "Array.from`./b.js`",
        "import(`./chunk-${name}.js`)",
        'new URL("b.js", document.baseURI)',
        'new URL("?import.meta.url", "b.js")',
        '// import "./b.js"',
        '/* import "./b.js"\n   import(name) */',
        "const help = 'write import \"./b.js\" or import(name)';",
        'const help = `import "./b.js"; ${list.map(item => `${item}`)} import(name)`;',
        '/import "\\/.\\/b.js"|import(name)/.test(text)',
    ],
)
def test_what_is_no_reference_to_an_original(code):
    assert targets(code) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("a { background: url(../img/logo.png) }", ["img/logo.png"]),
        ("/* İÉ */ a { background: Url(../img/İ.PNG) }", ["img/İ.PNG"]),
        ("a { background: URL( '/static/img/logo.png?v=1' ) }", ["img/logo.png"]),
        ('@import "b.css" layer(base);', ["js/b.css"]),
        ("@import url(b.css);", ["js/b.css"]),
        ("a { background: image-set(url(../img/logo.png) 1x) }", ["img/logo.png"]),
        ('a { background: image-set("../img/logo.png" 1x) }', ["img/logo.png"]),
        ("a { background: url(../img/logo.0123456789ab.png) }", []),
        ("/* a { background: url(../img/logo.png) } */", []),
        ("a { content: 'url(../img/logo.png)' }", []),
        ("a { background: url(data:image/png;base64,AA==) url(//cdn.example.com/static/img/logo.png) url(#x) }", []),
    ],
)
def test_references_in_css(code, found):
    assert targets(code, "js/b.css") == found


def test_a_reference_is_in_the_line_of_its_path():
    text = '// import "./b.js"\nimport {\n  b,\n} from "./b.js";\n\nimport(name);\nnew Worker("b.js");\n'

    assert find("js/app.js", text.encode(), PATHS, "/static/") == [(4, "js/b.js"), (6, ""), (7, "js/b.js")]


def test_the_address_of_a_cdn_leads_to_static_files_too():
    assert targets('import "https://cdn.example.com/static/js/b.js"', base_url="https://cdn.example.com/static/") == [
        "js/b.js"
    ]
    assert targets('import "/static/js/b.js"', base_url="https://cdn.example.com/static/") == []


def test_bytes_that_are_no_text_are_passed_over():
    assert [target for _, target in find("js/app.js", b'\xff\xfe\nimport "./b.js";', PATHS, "/static/")] == ["js/b.js"]


@pytest.mark.parametrize("url", ["./b.js", "../js/b%2Ejs", "b.js#x", "b.js?v=1", "/static/js/b.js", "x/../b.js"])
def test_urls_are_resolved_as_django_does(url):
    assert resolve(url, "js/app.js", "/static/") == "js/b.js"


@pytest.mark.parametrize("noise", ["`${'/[", "`${`", "/* ", "{`", "'", "=/(", "import(", "`${{"])
def test_a_long_line_that_nothing_closes_takes_no_time(noise):
    began = time.process_time()

    targets("import(name);" + noise * 20_000 + 'import "./b.js"')

    assert time.process_time() - began < 2
