"""Run Copier's command many times in one process, because it takes longer to start than to render a project.

Answers each line on stdin, the arguments of a command as JSON, with a line of JSON on stdout: the exit status and what the
command printed.
"""

import contextlib
import io
import json
import os
import traceback
from types import CodeType
from typing import Any

import jinja2
from copier.__main__ import CopierApp
from copier._main import Worker


def skip_repeated_work() -> None:
    """What takes most of the time of Copier, for the projects that this process renders."""
    _remember_templates()
    # For each file, Copier runs git to ask whether core.fileMode is false, as on Windows. It is not.
    if hasattr(Worker, "_sync_git_index_executable_bit"):
        Worker._sync_git_index_executable_bit = lambda self, path, mode: None  # type: ignore[assignment,method-assign]


def _remember_templates() -> None:
    """Let Jinja compile a template once for this process. Copier makes an environment, with a cache, for each project."""
    compile_template: Any = jinja2.Environment.compile
    compiled: dict[tuple[object, ...], CodeType] = {}

    def compile_once(
        self: jinja2.Environment, source: Any, name: str | None = None, filename: str | None = None, *more: bool
    ) -> CodeType:
        # The lexer stands for the syntax. The file is another one in each clone, and only errors name it.
        key = (self.lexer, tuple(self.extensions), self.autoescape, self.finalize, source, name, *more)
        if key not in compiled:
            compiled[key] = compile_template(self, source, name, filename, *more)
        return compiled[key]

    jinja2.Environment.compile = compile_once  # type: ignore[assignment,method-assign]


def main() -> None:
    skip_repeated_work()
    commands, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    # Neither Copier nor git may take part in the conversation.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in commands:
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            try:
                _, status = CopierApp.run(["copier", *json.loads(line)], exit=False)
            except Exception:  # noqa: BLE001 (it is the test that fails, not this process)
                traceback.print_exc()
                status = 1
        print(json.dumps([status, said.getvalue()]), file=answers, flush=True)


if __name__ == "__main__":
    main()
