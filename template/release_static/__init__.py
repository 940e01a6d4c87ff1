"""Static files published per release.

Every release has a manifest of its own, so old and new code run side by side during a rolling deploy, a rollback needs
nothing, and nothing that a running release needs is ever deleted or rewritten. The path of a file through this package:

    collectstatic -> stage.py -> publish.py -> directory.py -> the manifest of this release -> storages.py -> {% static %}
"""
