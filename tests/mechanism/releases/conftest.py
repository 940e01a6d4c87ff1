import pytest

from tests.mechanism.releases.command import backdate


@pytest.fixture
def three(site):
    """Releases that were published 60, 40 and 20 days ago. Each has its own example, and all share a logo."""
    site.write("logo.svg", "<svg/>")
    for release_id, days in [("one", 60), ("two", 40), ("three", 20)]:
        site.write("example.txt", release_id)
        site.publish(release_id)
        backdate(site, release_id, days)
    return site
