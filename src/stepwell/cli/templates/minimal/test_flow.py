"""Runs the flow as a user does, in a folder of the test's own. Start it with ``python -m pytest``."""

import subprocess
import sys
from pathlib import Path

from stepwell import Flow, metadata, namespace

FLOW = Path(__file__).with_name("flow.py")


def run(folder, *options):
    """Run the flow, and return the run."""
    command = [sys.executable, str(FLOW), "--datastore-root", str(folder), "run", *options]
    subprocess.run(command, check=True)
    metadata(f"local@{folder}")
    namespace(None)  # whoever runs the test
    return Flow("ProjectFlow").latest_successful_run


def test_the_greeting_has_the_name_in_it(tmp_path):
    result = run(tmp_path, "--who", "Ada")

    assert result.data.greeting == "Hello, Ada!"
    assert result["end"].task.stdout == "Hello, Ada!\n"
