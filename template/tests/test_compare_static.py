"""The four configurations of static files, as settings."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase

from compare_static.static_configs import STATIC_CONFIGS, Site, choose


class StaticConfigsTests(SimpleTestCase):
    site = Site(public=Path("/srv/public"), release_id_strategy="release_static.release_id_strategies.git_hash")

    def test_each_configuration_on_disk_has_a_folder_and_an_address_of_its_own(self):
        for name in ("default", "manifest", "custom"):
            config = choose(name, self.site)

            self.assertEqual(config.STATIC_ROOT, Path(f"/srv/public/static-{name}"))
            self.assertEqual(config.STATIC_URL, f"http://localhost:8080/static-{name}/")

    def test_names_may_be_in_upper_case(self):
        self.assertEqual(choose("MANIFEST", self.site), choose("manifest", self.site))

    def test_another_name_is_an_error_that_lists_all(self):
        with self.assertRaisesMessage(ImproperlyConfigured, ", ".join(STATIC_CONFIGS)):
            choose("whitenoise", self.site)
