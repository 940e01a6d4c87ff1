import pytest

from tests.runner import use_test_settings


@pytest.fixture(scope="session", autouse=True)
def test_settings(django_test_environment):
    use_test_settings()
