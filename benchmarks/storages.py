"""What a team writes by itself: Django's storage with a manifest for each release, in a folder that has its name."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage


class PerReleaseStorage(ManifestStaticFilesStorage):
    def __init__(self, *args: Any, release_id: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.manifest_storage = FileSystemStorage(location=f"{self.location}/releases/{release_id}")
        self.hashed_files, self.manifest_hash = self.load_manifest()  # type: ignore[assignment]
