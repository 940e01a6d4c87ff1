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
    """Each sub-command is run by the method of `command` that has its name; without one, `list` is."""
    parser.add_argument("--json", action="store_true", help="List the releases as JSON.")
    parser.add_argument("--environment", help="List only the releases that were published in this environment.")
    parser.set_defaults(run=command.list)
    sub_commands = parser.add_subparsers(title="sub-commands", metavar="SUB-COMMAND")

    def add(name: str, run: Callable[..., None], text: str) -> Any:
        sub_command = sub_commands.add_parser(name, help=text, description=text)
        sub_command.set_defaults(run=run)
        return sub_command

    current = add("current", command.current, "Print the id of this release.")
    current.add_argument("--explain", action="store_true", help="Show what each place that can set the id says.")
    show = add("show", command.show, "Show one release, and what changed since the one before.")
    show.add_argument("id", type=_release_id)
    show.add_argument("--json", action="store_true")
    check = add("verify", command.verify, "Check that files exist, with the right size and content.")
    check.add_argument("id", type=_release_id, nargs="?", help="The release to check (default: this one).")
    check.add_argument("--all", action="store_true", help="Check all releases.")
    check.add_argument(
        "--repair", action="store_true", help="Publish missing and damaged files of this checkout again."
    )
    delete = add("prune", command.prune, "Delete expired releases, and the files that only they use.")
    delete.add_argument("--keep", type=int, default=Policy.keep, metavar="N", help="Keep the newest N (%(default)s).")
    delete.add_argument(
        "--days",
        type=_number(0, 36500),
        default=Policy.days,
        metavar="D",
        help="Keep those that were superseded in the last D days (%(default)s).",
    )
    delete.add_argument(
        "--wait",
        type=_number(0, 300),
        default=60,
        metavar="SECONDS",
        help="How long to wait for a collectstatic that is running (%(default)s).",
    )
    delete.add_argument("--dry-run", action="store_true", help="Only show what would be deleted.")
    diff = add("diff", command.diff, "Show what is different in one release, compared to another.")
    diff.add_argument("before", type=_release_id, metavar="ID")
    diff.add_argument("id", type=_release_id, metavar="ID")
    diff.add_argument("--json", action="store_true")
    retire = add("retire", command.retire, "Let the releases that only one environment keeps expire.")
    retire.add_argument("environment")
    keep = add("adopt", command.adopt, "Keep what was published before there were releases, as a pinned release.")
    keep.add_argument("file", nargs="?", type=Path, help="Its manifest (default: staticfiles.json at the destination).")
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
