"""The questions in a terminal of 80 columns, where Copier cuts off longer lines."""

import sys

import jinja2
import pytest

from tests.project import ROOT, run_copier
from tests.template import QUESTIONS, choices_of
from tests.terminal import running

# What can be typed and does not work -> what Copier says then.
WRONG = {
    "project_name": {
        "": "Type a name: it is empty.",
        "My {{ site }}": "Remove { and }: they are reserved.",
    },
    "package_name": {
        "": "Type a name: it is empty.",
        "my-site": 'Use letters, digits, _: not "-".',
        "日本": 'Use letters, digits, _: not "日".',
        "1site": "Begin with a letter, not with 1.",
        "_site": "Begin with a letter, not with _.",
        "multiprocessing": "Add _project: this name is taken.",
    },
    "cdn_domain": {
        "192.168.0.1": "Use a host name, not an IP address.",
        "2001:db8::1": "Use a host name, not an IP address.",
        "Static.Example.com": "Use lower case: it has capitals.",
        "https://static.example.com": "Remove the scheme: host name only.",
        "static.example.com/": "Remove the path: host name only.",
        "static.example.com:8080": "Remove the port: host name only.",
        " static.example.com": "Remove the spaces: host name only.",
        "localhost": "Add the domain: it has no dot.",
        "a..example.com": "Check it: this is not a host name.",
    },
}
RIGHT = {"project_name": "My site", "package_name": "my_site", "cdn_domain": "static.example.com"}
# What no key types.
UNTYPED = {"Remove the control character."}
ENTER, CLEAR = "\r", "\x05\x15"


def test_every_question_and_what_is_said_of_a_wrong_answer_is_whole(template, tmp_path):
    with running(sys.executable, "-m", "copier", "copy", template, "my-site", cwd=tmp_path) as terminal:
        for name, question in QUESTIONS.items():
            terminal.wait_for(*question["help"].splitlines(), *choices_of(name))
            for answer, message in WRONG.get(name, {}).items():
                terminal.type(CLEAR + answer + ENTER)
                terminal.wait_for(f"Validation error for question '{name}': {message}")
            terminal.type((CLEAR + RIGHT[name] if name in WRONG else "") + ENTER)
        terminal.wait_for("manage.py collectstatic")


def test_every_message_is_among_those_that_are_seen():
    source = (ROOT / "extensions" / "validators.jinja").read_text()
    texts = [node.data.strip() for node in jinja2.Environment().parse(source).find_all(jinja2.nodes.TemplateData)]
    seen = {message for messages in WRONG.values() for message in messages.values()} | UNTYPED

    assert [text for text in texts if not any(text in message for message in seen)] == []


@pytest.mark.parametrize("answers", [["storage_backend=s3"], ["storage_backend=filesystem"], ["existing_project=yes"]])
def test_the_message_at_the_end_fits(template, tmp_path, answers):
    said = run_copier("copy", "--defaults", *(f"--data={answer}" for answer in answers), template, tmp_path / "shop")

    colored = "\x1b"  # the names of the files
    message = [line for line in said.splitlines() if not line.startswith(colored) and str(tmp_path) not in line]
    assert len(message) > 2
    assert [line for line in message if len(line) > 80] == []
