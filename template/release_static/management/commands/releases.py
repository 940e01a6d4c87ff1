"""See, verify, pin and prune the releases that are published."""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from release_static import inventory, report, retention
from release_static.errors import ReleaseStaticError, describe
from release_static.flags import pruning, publishing
from release_static.management.commands.collectstatic import stage_checkout
from release_static.manifest import PINNED, Manifest, note, path, stamp
from release_static.progress import bar
from release_static.prune import prepare, prune
from release_static.release_ids.resolve import REMEDY, ReleaseIdError
from release_static.release_ids.resolve import explain as explain_id
from release_static.retention import Policy
from release_static.storages import ReleaseSpecificManifestMixin
from release_static.verify import Findings, repairable, verify


class Command(BaseCommand):
    help = "See, verify, pin and prune the releases whose static files are published."
    # What is wrong with a project must not keep anyone from looking.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="List the releases as JSON.")
        parser.set_defaults(run=self.list)
        commands = parser.add_subparsers(title="sub-commands", metavar="SUB-COMMAND")

        def add(name: str, run: Callable[..., None], text: str) -> Any:
            command = commands.add_parser(name, help=text, description=text)
            command.set_defaults(run=run)
            return command

        command = add("current", self.current, "Print the id of this release.")
        command.add_argument("--explain", action="store_true", help="Show what each place that can set the id says.")
        command = add("show", self.show, "Show one release, and what changed since the one before.")
        command.add_argument("id")
        command.add_argument("--json", action="store_true")
        command = add("verify", self.verify, "Check that files are there, with their size and content.")
        command.add_argument("id", nargs="?", help="The release; this one if none is named.")
        command.add_argument("--all", action="store_true", help="All releases.")
        command.add_argument(
            "--repair", action="store_true", help="Publish what is damaged anew, if it is in this checkout."
        )
        command = add("prune", self.prune, "Delete expired releases, and the files that only they use.")
        default = Policy()
        command.add_argument(
            "--keep", type=int, default=default.keep, metavar="N", help="The newest N stay (%(default)s)."
        )
        command.add_argument(
            "--days",
            type=_days,
            default=default.days,
            metavar="D",
            help="So does what was superseded in the last D days (%(default)s).",
        )
        command.add_argument("--dry-run", action="store_true", help="Only show what would be deleted.")
        command.add_argument(
            "--unclaimed", action="store_true", help="Also delete hashed files, a day old, that no release names."
        )
        for name, run, text in [
            ("pin", self.pin, "Keep a release whatever its age."),
            ("unpin", self.unpin, "Let a release expire again."),
        ]:
            add(name, run, text).add_argument("id")

    @no_translations
    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        if not isinstance(staticfiles_storage, ReleaseSpecificManifestMixin):
            raise CommandError(
                'STORAGES["staticfiles"] does not publish per release. Name '
                "release_static.storages.ReleaseSpecificManifestLocalStorage as its BACKEND."
            )
        self.verbosity: int = options["verbosity"]
        self.storage: ReleaseSpecificManifestMixin = staticfiles_storage
        try:
            run(**options)
        except ReleaseStaticError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{self.storage.destination} could not be read or written: {describe(error)}.\n"
                "Mend the cause and run the command again: it goes on where it stopped."
            ) from error

    def list(self, **options: Any) -> None:
        destination = self.storage.destination
        found = inventory.take(destination, self.progress("Reading manifests"))
        usage = retention.usage(found.releases, destination.entries())
        current, problem = self.current_id()
        if options["json"]:
            data = {
                "destination": str(destination),
                "current": current,
                "releases": report.as_data(found.releases, usage, current),
                "problems": found.problems,
            }
            self.stdout.write(json.dumps(data, indent=2))
            return
        if found.releases:
            self.stdout.write(report.as_table(found.releases, usage, current, datetime.now(UTC)))
        else:
            self.stdout.write(f"There are no releases in {destination}. To publish this one: manage.py collectstatic")
        for release_id in found.leftovers:
            self.warn(f"Release {release_id} has expired, and a prune did not finish it. Run: manage.py releases prune")
        for line in [*found.problems, problem]:
            if line:
                self.warn(line)
        if current and found.releases and current not in [release.id for release in found.releases]:
            self.warn(f"This release, {current}, is not published. Run: manage.py collectstatic")

    def current(self, *, explain: bool, **options: Any) -> None:
        if explain:
            lines, found = explain_id(*self.storage.release_id_options)
            self.stdout.write("\n".join(lines))
            if not found:
                raise CommandError(f"This release has no id. {REMEDY}")
        else:
            self.stdout.write(str(self.storage.release_id))

    def show(self, *, id: str, **options: Any) -> None:
        destination = self.storage.destination
        found = inventory.take(destination, self.progress("Reading manifests"))
        release = found.get(id)
        place = found.releases.index(release)
        before = found.releases[place + 1].id if place + 1 < len(found.releases) else None
        paths = {
            name: Manifest.parse(content or b"", destination.location(name)).paths
            for name, content in destination.read([path(id) for id in (release.id, before) if id])
        }
        changes = report.changes(paths[path(release.id)], paths[path(before)] if before else {})
        usage = retention.usage(found.releases, destination.entries())
        current, _ = self.current_id()
        if options["json"]:
            [data] = [data for data in report.as_data(found.releases, usage, current) if data["id"] == release.id]
            data |= {"paths": paths[path(release.id)], "before": before, "changes": changes}
            self.stdout.write(json.dumps(data, indent=2))
            return
        end = retention.superseded(found.releases)[release.id]
        self.stdout.write(report.details(release, usage[release.id], end, current, datetime.now(UTC)))
        self.stdout.write(report.changed(changes, before))

    def verify(self, *, id: str | None, all: bool, repair: bool, **options: Any) -> None:
        destination = self.storage.destination
        ids = destination.releases() if all else [id or str(self.storage.release_id)]
        findings = verify(ids, destination, self.progress("Reading files"))
        if findings.files and repair:
            self.stdout.write(f"Published anew: {self.repair(findings)} of {len(findings.files)} files.")
            findings = verify(ids, destination, self.progress("Reading files"))
        if not findings.whole:
            raise CommandError(report.damage(findings))
        whole = f"Release {ids[0]} is whole" if len(ids) == 1 else f"All {len(ids)} releases are whole"
        self.stdout.write(f"{whole}: {len(findings.expected)} hashed files are there, as they were published.")

    def repair(self, findings: Findings) -> int:
        """How many files could be put from this checkout."""
        destination = self.storage.destination
        with destination.private_directory() as directory, publishing(destination, self.warn) as flag:
            stage = stage_checkout(self.storage, Path(directory))
            repaired = 0
            for _ in destination.put(repairable(stage.files(stage.manifest()), findings)):
                flag.keep()
                repaired += 1
            destination.settle()
        return repaired

    def prune(self, *, keep: int, days: float, dry_run: bool, unclaimed: bool, **options: Any) -> None:
        destination, current = self.storage.destination, str(self.storage.release_id)
        policy, now = Policy(keep, days), datetime.now(UTC)
        with nullcontext() if dry_run else pruning(destination) as flag:
            progress = self.progress("Reading manifests")
            plan = prepare(destination, current, policy, now, unclaimed=unclaimed, progress=progress)
            self.stdout.write(report.plan(plan, policy, now))
            if dry_run and self.verbosity > 1:
                for entry in [*plan.files, *plan.unclaimed]:
                    self.stdout.write(f"Pretending to delete '{entry.name}'")
            if flag:
                progress = self.progress("Deleting files")
                for deleted in prune(plan, destination, flag):
                    progress(deleted, len(plan.files) + len(plan.unclaimed))
        self.stdout.write("\n" + report.freed(plan, dry_run=dry_run))

    def pin(self, *, id: str, **options: Any) -> None:
        destination = self.storage.destination
        with publishing(destination, self.warn):
            inventory.take(destination).get(id)
            destination.write(note(id, PINNED), stamp())
            destination.settle()
        self.stdout.write(f"Release {id} is pinned: it stays whatever its age. To undo: manage.py releases unpin {id}")

    def unpin(self, *, id: str, **options: Any) -> None:
        destination = self.storage.destination
        with publishing(destination, self.warn):
            inventory.take(destination).get(id)
            destination.delete([note(id, PINNED)])
            destination.settle()
        self.stdout.write(f"Release {id} is not pinned: it expires as the others do.")

    def current_id(self) -> tuple[str | None, str]:
        """The id of this release, or None and why there is none."""
        try:
            return str(self.storage.release_id), ""
        except ReleaseIdError as error:
            return None, str(error)

    def warn(self, line: str) -> None:
        self.stderr.write(self.style.WARNING(line))

    def progress(self, description: str) -> Callable[[int, int], None]:
        return bar(description, quiet=self.verbosity != 1)


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days <= 36500:
        raise ArgumentTypeError(f"{text} is not between 0 and 36500")
    return days
