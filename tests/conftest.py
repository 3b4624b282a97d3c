"""What all tests share: no test sees the configuration or the datastore of whoever runs it."""

import os

import pytest


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch, tmp_path_factory):
    """Take the user's ``STEPWELL_*`` variables away and give the process a home of its own."""
    for name in [name for name in os.environ if name.startswith("STEPWELL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.setenv("STEPWELL_USER", "tester")
