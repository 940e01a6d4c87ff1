import re
from pathlib import Path
from random import Random
from typing import Any

import django
import pytest
from django_manifeststaticfiles_enhanced.storage import EnhancedManifestStaticFilesStorage

from release_static.staging.options import make_stage
from release_static.staging.search import WordPattern
from tests.mechanism.staging.test_stage import MODULES

PIECES = [
    *(
        "import",
        "import(",
        "import { }import ",
        "export",
        "from",
        " from ",
        "as",
        "//# sourceMappingURL=",
        "//# SourceMappingURL=",
    ),
    *("a", "{ a }", "{ a,\n  b }", "* as a", "./a.js", "'./a.js'", '"../b.js"', '"a"', "'/static/c.js'", "a.js.map"),
    *(" ", "  ", "\t", "\n", "\n\n", ";", "}", ")", "(", "*/", "/*", "//", "`", ".", "'", '"', ",", "$"),
]


class LoadStorage(EnhancedManifestStaticFilesStorage):
    patterns = (("*.js", ((r"(?P<matched>load\('(?P<url>.*?)'\))", "load('%(url)s')", re.compile("#")),)),)


@pytest.fixture
def stage(tmp_path):
    return make_stage(MODULES, tmp_path, "/static/")


@pytest.fixture
def enhanced(tmp_path):
    options = {"support_js_module_import_aggregation": True}
    return EnhancedManifestStaticFilesStorage(location=tmp_path, base_url="/static/", **options)


def found(storage, text):
    """What each pattern finds, and what the storage makes of it."""
    matches = [[(m.span(), m.groupdict()) for m in p.finditer(text)] for p, *_ in storage._patterns["*.js"]]
    return (
        matches,
        [bool(p.search(text)) for p, *_ in storage._patterns["*.js"]],
        storage._process_js_modules("a.js", text),
    )


def test_every_pattern_for_scripts_is_replaced_by_a_faster_one(stage):
    assert {type(pattern) for pattern, *_ in stage._patterns["*.js"]} == {WordPattern}


def test_a_faster_pattern_finds_the_same_in_any_text(stage, enhanced):
    random, references = Random(1), 0
    for _ in range(8000):
        text = "".join(random.choices(PIECES, k=random.randrange(2, 25)))
        same = found(enhanced, text)
        assert found(stage, text) == same, repr(text)
        references += sum(map(len, same[0]))
    assert references > 200


def test_a_faster_pattern_finds_the_same_in_the_scripts_of_the_admin(stage, enhanced):
    scripts = [path.read_text() for path in Path(django.__file__).parent.glob("contrib/**/*.js")]
    assert len(scripts) > 50

    for text in scripts:
        assert found(stage, text) == found(enhanced, text)


def test_a_pattern_of_an_unknown_form_stays(tmp_path):
    other: Any = make_stage({"BACKEND": f"{__name__}.LoadStorage"}, tmp_path, "/static/")

    assert [m["url"] for m in other._patterns["*.js"][0][0].finditer("load('a.js')")] == ["a.js"]
