from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from release_static.storages import ReleaseSpecificManifestMixin


def home(request: HttpRequest) -> HttpResponse:
    # With DEBUG, and in tests, files are served without a release.
    released = not settings.DEBUG and isinstance(staticfiles_storage, ReleaseSpecificManifestMixin)
    return render(request, "pages/home.html", {"storage": staticfiles_storage if released else None})
