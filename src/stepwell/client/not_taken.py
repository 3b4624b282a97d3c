"""Why a step of a run's graph has no task: which case a switch took instead, or that there were no items."""

from __future__ import annotations

from itertools import islice

from stepwell.client.graph import neighbours
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.exceptions import StepwellException

_TASKS_ASKED = 3
_STEPS_ASKED = 100


def why_not_taken(run: StoredRun, step: str) -> list[str]:
    """Return what the nearest tasks before the step did instead, a sentence each; none if that is unknown."""
    found: list[str] = []
    waiting = [step]
    try:
        for name in waiting:
            for parent in neighbours(run, name).parents:
                tasks = list(islice(run.newest_tasks(parent), _TASKS_ASKED))
                found += filter(None, (_instead(StoredTask(run, parent, task.task), name) for task in tasks))
                if not tasks and parent not in waiting and len(waiting) < _STEPS_ASKED:
                    waiting.append(parent)
    except (StepwellException, KeyError):
        return []  # the graph of the run, or a pack, cannot be read
    return found


def _instead(task: StoredTask, step: str) -> str:
    pack = task.pack()
    taken = None if pack is None else pack.outcome.transition
    place = f"{task.key.step}/{task.key.task}"
    if taken is None:
        return f"{place} has not succeeded."
    if step not in taken.targets:
        case = f" by case `{taken.case}`" if taken.case else ""
        return f"{place} went to {', '.join(f'`{target}`' for target in taken.targets)}{case}."
    return f"The foreach of {place} has no items." if taken.kind == "foreach" and not taken.num_splits else ""
