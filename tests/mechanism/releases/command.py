"""Run `manage.py releases` on a static root."""

import io
import os
from datetime import UTC, datetime, timedelta

from django.core.management import call_command

WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"


def releases(*arguments, **options):
    """What the command prints, and its warnings."""
    out, err = io.StringIO(), io.StringIO()
    call_command("releases", *arguments, **{"stdout": out, "stderr": err, **options})
    return out.getvalue(), err.getvalue()


def backdate(site, release_id, days):
    """As if the release had been published that many days ago."""
    published = datetime.now(UTC) - timedelta(days=days)
    for file in (site.root / ".releases" / release_id).iterdir():
        os.utime(file, (published.timestamp(), published.timestamp()))


def published(site):
    return sorted(path.parent.name for path in site.root.glob(".releases/*/staticfiles.json"))


def files(site):
    return {name for name in site.state() if not name.startswith(".releases/")}
