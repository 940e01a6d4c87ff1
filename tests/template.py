"""The template's questions, read from its files."""

import functools
import json
from typing import Any

import jinja2
import yaml

from tests.project import ROOT

SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text())
# Without those that nobody is asked.
QUESTIONS: dict[str, dict[str, Any]] = {
    name: question
    for name, question in SETTINGS.items()
    if not name.startswith("_") and question.get("when") is not False
}
_JINJA = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT), undefined=jinja2.StrictUndefined)
_JINJA.filters["to_json"] = json.dumps

# Django -> the Pythons that it is tested on, the oldest first. The first is the default.
DJANGO: dict[str, list[str]] = {
    version: about["pythons"]
    for version, about in _JINJA.get_template("extensions/django.jinja").make_module().versions.items()  # type: ignore[attr-defined]
}


@functools.cache
def choices_of(name: str) -> dict[str, str]:
    """Label -> answer, of a question with choices."""
    choices = QUESTIONS[name].get("choices", {})
    return json.loads(_JINJA.from_string(choices).render()) if isinstance(choices, str) else choices


def default_of(name: str) -> object:
    """The default of a question that does not depend on other answers."""
    default = QUESTIONS[name]["default"]
    return _JINJA.from_string(default).render() if isinstance(default, str) else default
