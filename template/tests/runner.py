"""The test runner of manage.py test. pytest uses it too, in conftest.py."""

from django.conf import settings
from django.test import override_settings
from django.test.runner import DiscoverRunner, ParallelTestSuite


def use_test_settings():
    """Tests need no secret key, published release or bucket: {% static %} returns unhashed URLs.

    Uploads stay in memory.
    """
    override_settings(
        SECRET_KEY="for tests",
        STORAGES=settings.STORAGES
        | {
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        SILENCED_SYSTEM_CHECKS=[*settings.SILENCED_SYSTEM_CHECKS, "release_static.E002"],
    ).enable()


class TestSuite(ParallelTestSuite):
    # In each process of --parallel that is not forked from this one.
    process_setup = use_test_settings


class TestRunner(DiscoverRunner):
    parallel_test_suite = TestSuite

    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        use_test_settings()
