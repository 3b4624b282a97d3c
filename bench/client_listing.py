"""What the client costs where results are many: lists of runs and tasks, and one artifact, by pathspec."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from stepwell.client.objects import Flow, Run, Task
from stepwell.client.scope import Connection, Scope
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import TaskOutcome, TaskRef, TransitionTaken
from stepwell.settings.sources import load_settings
from stepwell.wiring.stores import Stores, make_stores

RUNS = 2_000
TASKS = 20_000
ROUNDS = 5


def fill(stores: Stores) -> None:
    """Store many small runs, and one more that is wide: ``start`` opens a foreach of `TASKS` items."""
    for number in range(1, RUNS + 2):
        stores.metadata.save_run(
            RunRecord(
                flow="Wide", run=str(number), state=RunState.SUCCEEDED, user="bench",
                created_at=float(number), finished_at=number + 1.0, system_tags=("user:bench",),
                tags=("rare",) if number % 500 == 0 else (),
                fields={"start_step": "start", "end_step": "end"},
            )
        )  # fmt: skip
    run = str(RUNS + 1)
    wide = TransitionTaken("foreach", ("work",), TASKS)
    for step, task, transition in (
        ("start", 1, wide),
        ("work", TASKS // 2, TransitionTaken("linear", ("join",))),
    ):
        stores.datastore.seal(
            Pack(
                key=TaskKey("Wide", run, step, str(task)), attempt=0,
                outcome=TaskOutcome(ok=True, started_at=0.0, ended_at=1.0, transition=transition),
                parents=(TaskRef("start", "1"),), own=(stores.datastore.save("x", 1),),
            )
        )  # fmt: skip
    places = [("start", 1, "", "_parameters/0"), ("join", TASKS + 2, "", f"work/2-{TASKS + 1}")]
    places += [("work", number, str(number - 2), "start/1") for number in range(2, TASKS + 2)]
    stores.metadata.save_tasks(
        [
            TaskRecord(
                flow="Wide", run=run, step=step, task=str(number), number=number, state=TaskState.SUCCEEDED,
                created_at=1.0, started_at=1.0, finished_at=2.0, index_path=index_path, parents=parents,
            )
            for step, number, index_path, parents in places
        ]
    )  # fmt: skip


def milliseconds(action: Callable[[], object]) -> float:
    """The best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - began)
    return round(best * 1e3, 3)


def measure() -> dict[str, float]:
    """Return milliseconds by what was done."""
    with tempfile.TemporaryDirectory() as folder:
        stores = make_stores(Path(folder) / "results", load_settings())
        fill(stores)
        scope = Scope(Connection("bench", stores), "user:bench")
        flow, run, middle = Flow("Wide", scope), f"Wide/{RUNS + 1}", f"Wide/{RUNS + 1}/work/{TASKS // 2}"
        figures = {
            "ms_latest_run": milliseconds(lambda: flow.latest_run),
            "ms_first_10_runs": milliseconds(lambda: list(islice(flow, 10))),
            f"ms_all_{RUNS + 1}_runs": milliseconds(lambda: list(flow)),
            "ms_runs_with_a_rare_tag": milliseconds(lambda: list(flow.runs("rare"))),
            f"ms_steps_of_{TASKS}_tasks": milliseconds(lambda: list(Run(run, scope))),
            "ms_first_10_tasks": milliseconds(lambda: list(islice(Run(run, scope)["work"], 10))),
            f"ms_all_{TASKS}_tasks": milliseconds(lambda: list(Run(run, scope)["work"])),
            "ms_artifact_by_pathspec": milliseconds(lambda: Task(middle, at=scope)["x"].data),
            f"ms_children_of_one_of_{TASKS}": milliseconds(lambda: list(Task(middle, at=scope).child_tasks)),
            f"ms_{TASKS}_parents_of_a_join": milliseconds(
                lambda: list(Task(f"{run}/join/{TASKS + 2}", at=scope).parent_task_pathspecs)
            ),
        }
        stores.metadata.close()
        return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
