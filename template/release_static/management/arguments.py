"""The sub-commands of `manage.py releases`, and their arguments."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from release_static.release_ids.resolve import ReleaseIdError, validate
from release_static.releases.retention import Policy


def add_sub_commands(parser: CommandParser, command: Any) -> None:
    """Each sub-command calls the method of `command` with the same name. The default is `list`."""
    parser.add_argument("--json", action="store_true", help="List the releases as JSON.")
    parser.add_argument("--environment", help="List only the releases published in this environment.")
    parser.set_defaults(run=command.list)
    sub_commands = parser.add_subparsers(title="sub-commands", metavar="SUB-COMMAND")

    def add(name: str, run: Callable[..., None], text: str) -> Any:
        sub_command = sub_commands.add_parser(name, help=text, description=text)
        sub_command.set_defaults(run=run)
        return sub_command

    current = add("current", command.current, "Print the id of this release.")
    current.add_argument("--explain", action="store_true", help="Show each place that can set the id.")
    show = add("show", command.show, "Show a release, and what changed since the previous one.")
    show.add_argument("id", type=_release_id)
    show.add_argument("--json", action="store_true")
    check = add("verify", command.verify, "Check that files exist and have the right size and content.")
    check.add_argument("id", type=_release_id, nargs="?", help="The release to check (default: this one).")
    check.add_argument("--all", action="store_true", help="Check all releases.")
    check.add_argument(
        "--repair", action="store_true", help="Upload missing and damaged files again from this checkout."
    )
    delete = add("prune", command.prune, "Delete expired releases, and the files that only they use.")
    delete.add_argument("--keep", type=int, default=Policy.keep, metavar="N", help="Keep the newest N (%(default)s).")
    delete.add_argument(
        "--days",
        type=_number(0, 36500),
        default=Policy.days,
        metavar="D",
        help="Keep releases that were superseded in the last D days (%(default)s).",
    )
    delete.add_argument(
        "--wait",
        type=_number(0, 300),
        default=60,
        metavar="SECONDS",
        help="How long to wait for a running collectstatic (%(default)s).",
    )
    delete.add_argument("--dry-run", action="store_true", help="Only show what would be deleted.")
    diff = add("diff", command.diff, "Show the differences between two releases.")
    diff.add_argument("before", type=_release_id, metavar="ID")
    diff.add_argument("id", type=_release_id, metavar="ID")
    diff.add_argument("--json", action="store_true")
    retire = add("retire", command.retire, "Remove an environment, so that the releases that only it keeps expire.")
    retire.add_argument("environment")
    keep = add("adopt", command.adopt, "Turn the files of Django's own storage into a pinned release.")
    keep.add_argument(
        "file", nargs="?", type=Path, help="Django's manifest (default: staticfiles.json at the destination)."
    )
    add("pin", command.pin, "Never let a release expire.").add_argument("id", type=_release_id)
    add("unpin", command.unpin, "Let a release expire again.").add_argument("id", type=_release_id)


def _release_id(text: str) -> str:
    try:
        return validate(text)
    except ReleaseIdError as error:
        raise ArgumentTypeError(str(error)) from error


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        with suppress(ValueError):
            if least <= float(text) <= most:
                return float(text)
        raise ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")

    return parse
