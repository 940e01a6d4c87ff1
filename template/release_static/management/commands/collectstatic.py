"""Django's collectstatic, which stages what it collects and then publishes it as a release."""

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic
from django.core.files.storage import Storage
from django.core.management.base import CommandError, CommandParser

from release_static.errors import ReleaseStaticError, describe
from release_static.flags import publishing
from release_static.manifest import path
from release_static.progress import bar
from release_static.publish import Destination, Plan, StagedFile, prepare, publish
from release_static.stage import StageMixin
from release_static.storages import ReleaseSpecificManifestMixin

REFUSED = {
    "clear": "--clear would delete the files of every other release, which running processes need. Old releases go "
    "with: manage.py releases prune",
    "link": "--link would make the files of a release change with their sources. Collectstatic copies them.",
    "no_post_process": "--no-post-process would leave the release without hashed names and without a manifest.",
}


class Command(collectstatic.Command):
    help = "Publish the static files of this release, beside those of every other release."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--replace-release",
            action="store_true",
            help="Publish other content under the id of a release that is there already. Only for a release that no "
            "process uses yet.",
        )

    def handle(self, **options: Any) -> str | None:
        if not isinstance(self.storage, ReleaseSpecificManifestMixin):
            return super().handle(**options)
        asked = options | {"no_post_process": not options["post_process"]}
        for option, reason in REFUSED.items():
            if asked[option]:
                raise CommandError(reason)
        self.replace = options["replace_release"]
        self.summary = ""
        try:
            super().handle(**options)
        except ReleaseStaticError as error:
            raise CommandError(str(error)) from error
        except EOFError as error:
            raise CommandError("There is no terminal to ask on. Run collectstatic --noinput.") from error
        except OSError as error:  # Django looks at the destination before it collects
            raise CommandError(f"{self.storage.destination} could not be read: {describe(error)}.") from error
        return self.summary if self.verbosity >= 1 else None

    def collect(self) -> dict[str, list[str]]:
        storage = self.storage
        if not isinstance(storage, ReleaseSpecificManifestMixin):
            return super().collect()
        release_id, destination = storage.release_id, storage.destination
        put = 0
        try:
            with self._private_directory(destination) as directory:
                stage = storage.make_stage(Path(directory))
                files: list[StagedFile] = []

                def find_names() -> list[str]:
                    self.fill(stage)
                    files.extend(stage.files(stage.manifest()))
                    return [file.name for file in files]

                if self.dry_run:
                    survey = destination.survey(find_names())
                    manifest = stage.manifest().of_release(release_id.value)
                    plan = prepare(files, manifest, destination, survey, replace=self.replace)
                    for file in plan.puts:
                        self.log(f"Pretending to publish '{file.name}'", level=1)
                else:
                    with publishing(destination, self.stderr.write, find_names) as flag:
                        manifest = stage.manifest().of_release(release_id.value)
                        plan = prepare(files, manifest, destination, flag.seen, replace=self.replace)
                        progress = bar("Publishing", quiet=self.verbosity != 1)
                        for file in publish(plan, manifest, destination, flag, replace=self.replace):
                            put += 1
                            progress(put, len(plan.puts))
                            self.log(f"Published '{file.name}'")
        except OSError as error:
            raise CommandError(
                f"Release {release_id} could not be published to {destination}: {describe(error)}.\n"
                f"{put} files were put. The manifest goes last, so no process sees a release that is not whole. Mend "
                "the cause and run collectstatic again: it goes on where it stopped."
            ) from error
        if not self.dry_run:
            try:
                storage.keep_manifest(manifest)
            except OSError as error:
                # As in a container that may not write to its image: processes read the manifest where it is published.
                self.log(f"No copy of the manifest is kept beside the code: {error}")
        for warning in [*stage.warnings, *destination.warnings]:
            self.stderr.write(self.style.WARNING(f"Warning: {warning}"))
        self.summary = self._summary(plan, str(release_id), destination.location(path(release_id.value)))
        return {
            "modified": [file.name for file in plan.puts],
            "unmodified": [file.name for file in plan.unchanged],
            "post_processed": self.post_processed_files,
            "skipped": [],
            "deleted": [],
        }

    def copy_file(self, path: str, prefixed_path: str, source_storage: Storage) -> None:
        """Into a stage this copies nothing."""
        if isinstance(self.storage, StageMixin) and self.storage.collect(prefixed_path, source_storage, path):
            self.log(f"Copying '{source_storage.path(path)}'", level=2)
            self.copied_files.append(prefixed_path)
        else:
            super().copy_file(path, prefixed_path, source_storage)

    def _private_directory(self, destination: Destination) -> AbstractContextManager[str | Path]:
        return tempfile.TemporaryDirectory() if self.dry_run else destination.private_directory()

    def fill(self, stage: StageMixin) -> None:
        """Let Django collect and hash into a stage, also in a dry run: that is how a dangling reference is found."""
        storage, dry_run = self.storage, self.dry_run
        self.storage, self.dry_run = stage, False
        try:
            super().collect()
        finally:
            self.storage, self.dry_run = storage, dry_run

    def _summary(self, plan: Plan, release_id: str, manifest: str) -> str:
        new, there = len(plan.missing) + len(plan.outdated), len(plan.unchanged)
        counts = f"{new} files published, {there} were there already"
        if plan.damaged:
            counts += f", {len(plan.damaged)} damaged ones repaired"
        if self.dry_run:
            counts = f"{len(plan.puts)} files would be published, {there} are there already"
            first = f"Dry run, nothing was written. Release {release_id}: {counts}."
        elif plan.new_release:
            first = f"Release {release_id}: {counts}."
        elif plan.puts:
            first = f"Release {release_id} was published before, and is whole again: {counts}."
        else:
            first = f"Release {release_id} is published already, nothing to do: all {there} files are there."
        return f"\n{first}\nManifest: {manifest}"


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
    stage = storage.make_stage(directory)
    command.fill(stage)
    return stage
