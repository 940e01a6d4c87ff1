"""List, verify, pin and prune published releases."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management.base import CommandError, CommandParser, no_translations

from release_static.errors import ReleaseStaticError, describe, printable
from release_static.management.arguments import add_sub_commands
from release_static.management.commands.collectstatic import stage_checkout
from release_static.management.output import OutputCommand, printable_lines
from release_static.manifest import NAME
from release_static.publishing import locks
from release_static.release_ids.resolve import REMEDY
from release_static.release_ids.resolve import explain as explain_id
from release_static.releases import pins, report, retention
from release_static.releases.adoption import adopt
from release_static.releases.changes import compare, new_bytes
from release_static.releases.environments import retire
from release_static.releases.inventory import read_manifest, read_releases
from release_static.releases.prune import prepare, prune
from release_static.releases.retention import Policy
from release_static.releases.verify import Findings, repair, verify
from release_static.storages import ReleaseSpecificManifestMixin


class Command(OutputCommand):
    help = "List, verify, pin and prune the releases whose static files are published."
    # The command must also work in a project that fails its checks.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_sub_commands(parser, self)

    @no_translations
    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        if not isinstance(staticfiles_storage, ReleaseSpecificManifestMixin):
            raise CommandError(
                'STORAGES["staticfiles"] does not publish per release. Set its BACKEND to '
                '"release_static.storages.ReleaseSpecificManifestLocalStorage".'
            )
        self.verbosity = options["verbosity"]
        self.storage: ReleaseSpecificManifestMixin = staticfiles_storage
        try:
            run(**options)
        except ReleaseStaticError as error:
            raise CommandError(printable_lines(str(error))) from error
        except OSError as error:
            raise CommandError(
                f"{self.storage.destination} could not be read or written: {printable_lines(describe(error))}.\n"
                "Fix the cause and run the command again: it resumes."
            ) from error

    def list(self, *, environment: str | None, **options: Any) -> None:
        destination = self.storage.destination
        inventory = read_releases(destination, self.progress("Reading manifests"))
        usage = retention.usage(inventory.releases, destination.entries())
        current, problem = self.current_id()
        if environment:
            inventory.keep_only(environment)
        if options["json"]:
            data: dict[str, Any] = {"destination": str(destination), "current": current}
            data["releases"] = report.as_data(inventory.releases, usage, current)
            data["problems"] = sorted(inventory.unreadable.values())
            self.print(json.dumps(data, indent=2))
        else:
            self.print(report.releases(inventory, usage, current, datetime.now(UTC)))
            for warning in [*report.warnings(inventory, current), problem]:
                if warning:
                    self.warn(warning)
        if inventory.unreadable:
            raise CommandError(report.unreadable(inventory))

    def current(self, *, explain: bool, **options: Any) -> None:
        if explain:
            lines, found = explain_id(*self.storage.release_id_options)
            self.print("\n".join(lines))
            if not found:
                raise CommandError(f"This release has no valid id. {REMEDY}")
        else:
            self.print(str(self.storage.release_id))

    def show(self, *, id: str, **options: Any) -> None:
        destination = self.storage.destination
        inventory = read_releases(destination, self.progress("Reading manifests"))
        release, before = inventory.get(id), inventory.before(id)
        paths = read_manifest(id, destination).paths
        changes = compare(paths, read_manifest(before, destination).paths if before else {})
        usage = retention.usage(inventory.releases, destination.entries())
        current, _ = self.current_id()
        if options["json"]:
            [data] = [data for data in report.as_data(inventory.releases, usage, current) if data["id"] == id]
            data |= {"paths": paths, "before": before, "changes": changes._asdict()}
            self.print(json.dumps(data, indent=2))
        else:
            ends = retention.superseded(inventory.releases)[id]
            self.print(report.details(release, usage[id], ends, current, datetime.now(UTC)))
            self.print(report.changes(changes, before))

    def diff(self, *, before: str, id: str, **options: Any) -> None:
        manifests = [read_manifest(release_id, self.storage.destination) for release_id in (before, id)]
        changes = compare(manifests[1].paths, manifests[0].paths)
        sizes = new_bytes(*manifests)
        if options["json"]:
            self.print(json.dumps(changes._asdict() | {"new_bytes": sizes}, indent=2))
        else:
            self.print(report.changes(changes, before).strip())
            self.print(report.new_bytes(sizes))

    def verify(self, *, id: str | None, all: bool, repair: bool, **options: Any) -> None:
        destination = self.storage.destination
        ids = destination.releases() if all else [id or str(self.storage.release_id)]
        findings = verify(ids, destination, self.progress("Reading files"))
        if findings.files and repair:
            self.print(f"Repaired {self.repair(findings)} of {len(findings.files)} files.")
            findings = verify(ids, destination, self.progress("Reading files"))
        if not findings.intact:
            raise CommandError(report.damage(findings))
        self.print(report.intact(ids, findings))

    def repair(self, findings: Findings) -> int:
        """How many files were uploaded again from this checkout."""
        destination = self.storage.destination
        with destination.private_directory() as directory, locks.shared(destination, self.warn) as lock:
            stage = stage_checkout(self.storage, Path(directory))
            return repair(stage.files(stage.manifest()), findings, destination, lock)

    def prune(self, *, keep: int, days: float, wait: float, dry_run: bool, **options: Any) -> None:
        destination, current, policy = self.storage.destination, str(self.storage.release_id), Policy(keep, days)
        with nullcontext() if dry_run else locks.exclusive(destination, self.warn, wait) as lock:
            now = datetime.now(UTC)
            if lock and lock.acquired_at:
                # This clock may be ahead of the destination's, whose time stamps may be whole seconds.
                now = min(now, lock.acquired_at + timedelta(seconds=1))
            plan = prepare(destination, current, policy, now, self.progress("Reading manifests"))
            self.print(report.plan(plan, policy, now))
            if lock:
                progress = self.progress("Deleting files")
                for deleted in prune(plan, destination, lock):
                    progress(deleted, len(plan.files))
            elif self.verbosity > 1:
                for entry in plan.files:
                    self.print(f"Pretending to delete '{printable(entry.name)}'")
        self.print("\n" + report.freed(plan, dry_run=dry_run))
        for hint in report.idle(plan, now):
            self.warn(hint)

    def retire(self, *, environment: str, **options: Any) -> None:
        count = retire(environment, self.storage.environment, self.storage.destination, self.warn)
        self.print(
            f"{environment} is retired. It kept {count} release{'' if count == 1 else 's'}; those that no other "
            "environment keeps expire at the next prune."
        )

    def adopt(self, *, file: Path | None, **options: Any) -> None:
        found, missing = adopt(file, self.storage.destination, self.warn)
        if missing:
            self.warn(
                f"{len(missing)} of the files in this manifest are not in {self.storage.destination}: "
                + ", ".join(missing[:3])
            )
        self.print(
            f"The files published before are now release {found.id}. It is pinned, so prune keeps its files. When you "
            f"no longer need to roll back to the old code, delete {file or self.storage.destination.location(NAME)} "
            f"and run: manage.py releases unpin {found.id}"
        )

    def pin(self, *, id: str, **options: Any) -> None:
        pins.pin(id, self.storage.destination, self.warn)
        self.print(f"Release {id} is pinned: it never expires. To undo: manage.py releases unpin {id}")

    def unpin(self, *, id: str, **options: Any) -> None:
        pins.unpin(id, self.storage.destination, self.warn)
        self.print(f"Release {id} is not pinned: it expires like any other.")

    def current_id(self) -> tuple[str | None, str]:
        """The id of this release, or None and the reason."""
        try:
            return str(self.storage.release_id), ""
        except ReleaseStaticError as error:
            return None, str(error)
