from django.apps import AppConfig


class ReleaseStaticConfig(AppConfig):
    name = "release_static"

    def import_models(self) -> None:
        # Django calls this for every app before any app's ready(), which is where django-vite would fail.
        from release_static.bundler_checks import require_vite_manifest

        require_vite_manifest()
        super().import_models()

    def ready(self) -> None:
        from release_static import bundler_checks, checks, deploy_checks  # noqa: F401 (registers the checks)
