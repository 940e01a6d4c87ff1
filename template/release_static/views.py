"""A view for health checks: path("healthz", release_static.views.healthz) in urls.py."""

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, JsonResponse

from release_static.errors import ReleaseStaticError
from release_static.storages import ReleaseSpecificManifestMixin


def healthz(request: HttpRequest) -> JsonResponse:
    """A readiness probe: 200 once this process has the manifest of its release, which it reads only once."""
    if not isinstance(staticfiles_storage, ReleaseSpecificManifestMixin):
        return JsonResponse({"error": "STORAGES['staticfiles'] does not publish per release."}, status=503)
    try:
        release, manifest = staticfiles_storage.release_id.value, staticfiles_storage.manifest_hash
    except ReleaseStaticError as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse({"release": release, "manifest": manifest})
