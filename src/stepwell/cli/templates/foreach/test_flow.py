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


def test_each_group_has_a_task_and_a_row(tmp_path):
    result = run(tmp_path)

    labels = {task.data.label for task in result["analyse"]}
    assert labels == {label for label, _, _ in result.data.table} != set()


def test_the_group_with_the_largest_mean_comes_first(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("team,points\na,1\nb,5\na,2\nb,6\n")

    result = run(tmp_path / "results", "--data", str(table), "--group", "team", "--value", "points")

    assert result.data.table == [("b", 2, 5.5), ("a", 2, 1.5)]
