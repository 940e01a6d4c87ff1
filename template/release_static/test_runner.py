from typing import Any

from django.conf import DEFAULT_STORAGE_ALIAS, STATICFILES_STORAGE_ALIAS, settings
from django.test import override_settings
from django.test.runner import DiscoverRunner


class TestRunner(DiscoverRunner):
    """Tests need neither a published release nor a secret key: {% static %} gives names as they are.

    Uploads stay in memory.
    """

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
        settings.SECRET_KEY = "for tests"  # override_settings cannot go back to an empty one
        self._settings = override_settings(
            STORAGES=settings.STORAGES | {DEFAULT_STORAGE_ALIAS: memory, STATICFILES_STORAGE_ALIAS: plain},
            SILENCED_SYSTEM_CHECKS=[*settings.SILENCED_SYSTEM_CHECKS, "release_static.E002"],
        )
        self._settings.enable()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        self._settings.disable()
        super().teardown_test_environment(**kwargs)
