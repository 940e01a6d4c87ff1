"""The storage for S3 from the documentation of django-manifeststaticfiles-enhanced."""

from django_manifeststaticfiles_enhanced.storage import EnhancedManifestFilesMixin
from storages.backends.s3 import S3StaticStorage


class EnhancedS3Storage(EnhancedManifestFilesMixin, S3StaticStorage):
    def __init__(self, *, support_js_module_import_aggregation: bool, **options: object) -> None:
        self.support_js_module_import_aggregation = support_js_module_import_aggregation
        super().__init__(**options)
