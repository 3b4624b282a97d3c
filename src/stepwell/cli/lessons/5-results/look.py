"""Reads what the runs of lesson 4 have stored. No flow, only a program that asks questions."""

from stepwell import Flow
from stepwell.exceptions import StepwellNotFound


def seconds(thing):
    """How long a run or a task took."""
    return (thing.finished_at - thing.created_at).total_seconds()


try:
    flow = Flow("CensusFlow")
except StepwellNotFound:
    raise SystemExit("Run lesson 4 first, in this directory: python 4-foreach/census.py run") from None

# A flow has runs, newest first.
for run in flow:
    print(f"run {run.id}: {'succeeded' if run.successful else 'did not succeed'}, {seconds(run):.2f} s")

# A run has steps, a step has tasks. `data` is what the last step has on `self`.
run = flow.latest_successful_run
print(f"{run.pathspec} found {run.data.scripts.total():,} letters in parts of {run.data.size}")

# Each task still has its artifacts, and what it has printed.
tasks = list(run["count"])
slowest = max(tasks, key=seconds)
print(f"the slowest of {len(tasks)} tasks was {slowest.pathspec}, with {seconds(slowest):.3f} s")
print(f"it printed: {slowest.stdout.strip()}")

# Values come back as what they were: this one is a Counter.
latin = [task.data.scripts["LATIN"] for task in tasks]
print(f"Latin letters are in {sum(map(bool, latin))} parts, {sum(latin)} in all")
