"""manage.py compare_static: how each of the four configurations handles a rolling deploy."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.loader import render_to_string

from compare_static import picture, report
from compare_static.observations import Observation
from compare_static.releases import make_releases
from compare_static.targets import in_bucket, on_disk
from compare_static.walk_through import observe
from release_static.errors import ReleaseStaticError

WITHOUT_S3 = (
    "s3 was skipped. To include it, set AWS_STORAGE_BUCKET_NAME and the other AWS_* variables, or use moto:\n"
    '  uv run --with "moto[server]" manage.py compare_static'
)


class Command(BaseCommand):
    help = (
        "Publish two releases of this project in a temporary folder with each of the four configurations, roll back, and "
        "show what a visitor gets."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        page = Path(settings.BASE_DIR) / "public" / "compare-static.html"
        parser.add_argument("--output", type=Path, default=page, help="The HTML page to write. Default: %(default)s")

    def handle(self, **options: Any) -> None:
        try:
            observations = _observe()
        except (ReleaseStaticError, OSError) as error:
            raise CommandError(f"The configurations could not be compared. {error}") from error
        page: Path = options["output"]
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(_page(observations), "utf-8")
        except OSError as error:
            raise CommandError(
                f"{page} could not be written: {error.strerror}. Choose another place: --output"
            ) from error
        self.stdout.write(report.table(observations))
        if len(observations) < 4:
            self.stdout.write(f"\n{WITHOUT_S3}")
        self.stdout.write(f"\nWith a diagram: {page}")


def _page(observations: list[Observation]) -> str:
    context = {
        "django_version": django.get_version(),
        "width": picture.WIDTH,
        "height": picture.HEIGHT,
        "pictures": [picture.draw(seen) for seen in observations],
        "rows": report.rows(observations),
    }
    return render_to_string("compare_static/page.html", context)


def _observe() -> list[Observation]:
    with tempfile.TemporaryDirectory(prefix="compare-static-") as folder:
        scratch = Path(folder)
        old, new = make_releases(Path(settings.BASE_DIR), scratch)
        with on_disk(scratch / "public") as targets, in_bucket((old, new)) as bucket:
            everywhere = [*targets, bucket] if bucket else targets
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(pool.map(lambda target: observe(target, old, new), everywhere))
