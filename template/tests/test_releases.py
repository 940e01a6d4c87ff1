"""Two releases deployed side by side, in one static root."""

import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse


class ReleasesTests(SimpleTestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name) / "public" / "static"
        self.sources = Path(temporary.name) / "static"
        self.sources.mkdir()

    def running(self, release_id):
        """The settings of a process that runs this release."""
        staticfiles = {
            "BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage",
            "OPTIONS": {"release_id": release_id},
        }
        return override_settings(
            STATIC_ROOT=self.root,
            STATICFILES_DIRS=[self.sources],
            STORAGES=settings.STORAGES | {"staticfiles": staticfiles},
        )

    def publish(self, release_id, text):
        (self.sources / "example.txt").write_text(text)
        with self.running(release_id):
            call_command("collectstatic", interactive=False, verbosity=0)

    def example(self, release_id):
        """What a visitor gets from the link on the home page of this release."""
        with self.running(release_id):
            page = self.client.get(reverse("home"))
        self.assertContains(page, f"<dd>{release_id}</dd>", html=True)
        link = page.text.partition(f'href="{settings.STATIC_URL}example.')[2].partition('"')[0]
        return (self.root / f"example.{link}").read_text()

    def test_each_release_serves_its_own_files(self):
        self.publish("one", "old")
        self.publish("two", "new")

        self.assertEqual(self.example("one"), "old")
        self.assertEqual(self.example("two"), "new")

    def test_a_rollback_publishes_nothing(self):
        self.publish("one", "old")
        self.publish("two", "new")
        before = sorted(self.root.rglob("*"))

        self.assertEqual(self.example("one"), "old")
        self.assertEqual(sorted(self.root.rglob("*")), before)

    def test_a_release_is_written_once(self):
        self.publish("one", "old")

        with self.assertRaisesMessage(CommandError, "Release one is published already, with other content."):
            self.publish("one", "new")
        self.assertEqual(self.example("one"), "old")

    def test_healthz_is_ready_only_with_the_manifest_of_its_own_release(self):
        self.publish("one", "old")

        with self.running("one"):
            ready = self.client.get(reverse("healthz"))
        with self.running("two"), self.assertLogs("django.request", "ERROR"):
            unready = self.client.get(reverse("healthz"))

        self.assertEqual(ready.json()["release"], "one")
        self.assertTrue(ready.json()["manifest"])
        self.assertEqual(unready.status_code, 503)
        self.assertIn("two", unready.json()["error"])


class StaticFilesTests(SimpleTestCase):
    def test_this_projects_static_files_can_be_published(self):
        with tempfile.TemporaryDirectory() as root:
            staticfiles = {
                "BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage",
                "OPTIONS": {"release_id": "test"},
            }
            with override_settings(STATIC_ROOT=root, STORAGES=settings.STORAGES | {"staticfiles": staticfiles}):
                call_command("collectstatic", interactive=False, verbosity=0)

            self.assertTrue((Path(root) / ".releases" / "test" / "staticfiles.json").exists())


class PagesTests(TestCase):
    def test_pages_render_without_a_release(self):
        self.assertContains(self.client.get(reverse("home")), f"{settings.STATIC_URL}example.txt")

    def test_so_does_the_admin(self):
        self.client.force_login(get_user_model().objects.create_superuser("ada"))

        self.assertContains(self.client.get(reverse("admin:index")), f"{settings.STATIC_URL}admin/css/base.css")

    def test_healthz_is_not_ready_without_a_release(self):
        with self.assertLogs("django.request", "ERROR"):
            self.assertEqual(self.client.get(reverse("healthz")).status_code, 503)
