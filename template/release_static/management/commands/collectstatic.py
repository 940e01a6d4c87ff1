"""Django's collectstatic, which publishes the files that it collects as a release."""

import tempfile
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic
from django.core.files.storage import Storage
from django.core.management.base import CommandError, CommandParser

from release_static.errors import ReleaseStaticError, describe
from release_static.management.output import OutputCommand, printable_lines
from release_static.manifest import NAME, path
from release_static.publishing import locks
from release_static.publishing.destination import Destination
from release_static.publishing.directory import Directory
from release_static.publishing.locks import SharedLock
from release_static.publishing.predecessor import unadopted
from release_static.publishing.publish import Plan, prepare, publish
from release_static.releases.text import count
from release_static.staging.options import make_stage
from release_static.staging.stage import StageMixin
from release_static.storages import ReleaseSpecificManifestMixin

REFUSED = {
    "clear": "--clear would delete the files of every other release, which running processes need. To delete old "
    "releases: manage.py releases prune",
    "link": "--link would make the files of a release change with their sources. Collectstatic copies them.",
    "no_post_process": "--no-post-process would leave the release without hashed names and without a manifest.",
}


class Command(OutputCommand, collectstatic.Command):
    help = "Publish the static files of this release, beside those of every other release."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--replace-release",
            action="store_true",
            help="Publish other content under the id of a release that is published already. Only for a release that "
            "no process uses yet.",
        )

    def handle(self, **options: Any) -> str | None:
        if not isinstance(self.storage, ReleaseSpecificManifestMixin):
            return super().handle(**options)
        asked = options | {"no_post_process": not options["post_process"]}
        for option, reason in REFUSED.items():
            if asked[option]:
                raise CommandError(reason)
        self.replace_release = options["replace_release"]
        self.summary = ""
        try:
            super().handle(**options)
        except ReleaseStaticError as error:
            raise CommandError(printable_lines(str(error))) from error
        except EOFError as error:
            raise CommandError("There is no terminal to ask on. Run collectstatic --noinput.") from error
        except OSError as error:  # Django looks at the destination before it collects
            raise CommandError(
                f"{_named(self.storage.destination)} could not be read: {describe(error)}.\n"
                "Fix the cause and run collectstatic again."
            ) from error
        return self.summary if self.verbosity >= 1 else None

    def collect(self) -> dict[str, list[str]]:
        storage = self.storage
        if not isinstance(storage, ReleaseSpecificManifestMixin):
            return super().collect()
        destination = storage.destination
        self.uploaded = 0
        try:
            plan = self._publish(storage, destination)
        except OSError as error:
            raise CommandError(
                f"Release {storage.release_id} could not be published to {_named(destination)}: {describe(error)}.\n"
                f"Files published so far: {self.uploaded}. The manifest comes last, so no process sees an incomplete "
                "release. Fix the cause and run collectstatic again: it resumes."
            ) from error
        for warning in destination.warnings:
            self.warn(f"Warning: {warning}")
        self.summary = self._summary(plan, destination)
        return {
            "modified": [file.name for file in plan.uploads],
            "unmodified": [file.name for file in plan.unchanged],
            "post_processed": self.post_processed_files,
            "skipped": [],
            "deleted": [],
        }

    def _publish(self, storage: ReleaseSpecificManifestMixin, destination: Destination) -> Plan:
        """A dry run takes no lock and writes nothing to the destination."""
        _ = storage.release_id, storage.environment  # or their errors, before anything else
        private = tempfile.TemporaryDirectory() if self.dry_run else destination.private_directory()
        locked = nullcontext() if self.dry_run else locks.shared(destination, self.stderr.write)
        with private as directory, locked as lock:
            plan = self._plan(storage, Path(directory), lock or destination)
            if lock is None:
                for file in plan.uploads:
                    self.log(f"Pretending to publish '{file.name}'", level=1)
                return plan
            progress = self.progress("Publishing")
            for file in publish(plan, destination, lock, replace_release=self.replace_release):
                self.uploaded += 1
                progress(self.uploaded, len(plan.uploads))
                self.log(f"Published '{file.name}'")
        try:
            storage.keep_manifest(plan.release_id, plan.manifest)
        except OSError as error:
            # As in a container that may not write to its image: processes read the manifest where it is published.
            self.log(f"No copy of the manifest is kept beside the code: {error}")
        if plan.predecessor and (problem := unadopted(destination)):
            self.warn(f"Warning: {problem}")
        return plan

    def _plan(self, storage: ReleaseSpecificManifestMixin, directory: Path, there: SharedLock | Destination) -> Plan:
        """What only the plan needs, which may be large, is forgotten."""
        stage = self.fill_stage(storage, directory)
        manifest = stage.manifest()
        files = stage.files(manifest)
        return prepare(
            storage.release_id.value,
            storage.environment,
            manifest,
            files,
            there.existing(chain([NAME], (file.name for file in files))),
            storage.destination,
            replace_release=self.replace_release,
        )

    def fill_stage(self, storage: ReleaseSpecificManifestMixin, directory: Path) -> StageMixin:
        """Let Django collect and hash into a stage, even in a dry run, which then finds broken references."""
        stage = make_stage(
            storage.stage, directory, storage.base_url, bundles=storage.bundles, references=storage.references
        )
        dry_run = self.dry_run
        self.storage, self.dry_run = stage, False
        try:
            super().collect()
        finally:
            self.storage, self.dry_run = storage, dry_run
        for warning in stage.warnings:
            self.warn(f"Warning: {warning}")
        return stage

    def copy_file(self, path: str, prefixed_path: str, source_storage: Storage) -> None:
        """Into a stage this copies nothing."""
        if isinstance(self.storage, StageMixin) and self.storage.collect(prefixed_path, source_storage, path):
            self.log(f"Copying '{source_storage.path(path)}'", level=2)
        else:
            super().copy_file(path, prefixed_path, source_storage)

    def log(self, msg: str, level: int = 2) -> None:
        if self.verbosity >= level:
            self.print(msg)

    def _summary(self, plan: Plan, destination: Destination) -> str:
        kept = f"{count(plan.unchanged, 'file')} unchanged"
        counts = f"{count(plan.missing + plan.outdated, 'file')} published, {len(plan.unchanged)} unchanged"
        if plan.damaged:
            counts += f", {count(plan.damaged, 'damaged file')} repaired"
        if self.dry_run:
            counts = f"{count(plan.uploads, 'file')} would be published, {len(plan.unchanged)} unchanged"
            first = f"Dry run, nothing was written. Release {plan.release_id}: {counts}."
        elif plan.new_release:
            first = f"Release {plan.release_id}: {counts}."
        elif plan.outdated and not plan.missing and not plan.damaged:  # as in a rollback
            noun = "file" if any(file.hashed for file in plan.outdated) else "original"
            first = f"Release {plan.release_id} was published before: {count(plan.outdated, noun)} replaced, {kept}."
        elif plan.uploads:
            first = f"Release {plan.release_id} was published before, and is complete again: {counts}."
        elif plan.mark:
            first = f"Release {plan.release_id} is now published in {plan.environment}: {kept}."
        else:
            first = f"Release {plan.release_id} is published already, nothing to do: {kept}."
        return f"\n{first}\nManifest: {destination.location(path(plan.release_id))}"


def _named(destination: Destination) -> str:
    return f"STATIC_ROOT ({destination})" if isinstance(destination, Directory) else str(destination)


def stage_checkout(storage: ReleaseSpecificManifestMixin, directory: Path) -> StageMixin:
    """What collectstatic without options would publish, staged in this directory."""
    command = Command()
    command.set_options(
        interactive=False,
        verbosity=0,
        link=False,
        clear=False,
        dry_run=False,
        ignore_patterns=[],
        use_default_ignore_patterns=True,
        post_process=True,
    )
    return command.fill_stage(storage, directory)
