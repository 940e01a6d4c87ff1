from django.apps import AppConfig


class ReleaseStaticConfig(AppConfig):
    name = "release_static"

    def ready(self) -> None:
        from release_static import checks  # noqa: F401 (registers the checks)
