import pytest

from flows import Flows


@pytest.fixture
def flows(tmp_path):
    """Writes flows and runs them with the real command line; results lie in a datastore of the test's own."""
    return Flows(tmp_path)
