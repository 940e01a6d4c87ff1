"""The minimal settings to publish static files. Tests set the directories."""

SECRET_KEY = "for tests"

INSTALLED_APPS = [
    "release_static",
    "django.contrib.staticfiles",
]

STATIC_URL = "/static/"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage"},
}

USE_TZ = True
