"""What follows a task: which tasks become ready, which joins are complete, which branches are lost."""

from __future__ import annotations

from msgspec.structs import replace

from stepwell.exceptions import StepwellInternalError
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.earlier import NOTHING, PastTask, inputs_of
from stepwell.scheduling.gang import Gang
from stepwell.scheduling.orders import Launch
from stepwell.scheduling.progress import LaunchedTask, Progress, ReusedTask


def go_on(
    progress: Progress,
    done: LaunchedTask | ReusedTask,
    parent: tuple[str, int],
    transition: TransitionTaken,
    executed: bool,
) -> None:
    """Make ready what follows a task that has succeeded."""
    targets = transition.targets
    if transition.kind == "linear":
        go_to(progress, targets[0], done.split, done.position, parent, executed)
        return
    is_foreach = transition.fans_out
    width = transition.num_splits if is_foreach else len(targets)
    split = OpenSplit(
        parent,
        done.step.closed_by[targets[0]],
        width,
        is_foreach=is_foreach,
        outer=done.split,
        position=done.position,
        path=done.launch.index_path if isinstance(done, LaunchedTask) else done.path,
        needed=transition.min_success,
    )
    split.executed = executed
    progress.open_splits[split.task] = split
    if width == 0:
        _close(progress, split)
    elif transition.kind == "gang":
        _open_gang(progress, targets[0], split, width)
    elif is_foreach:
        _open_branches(progress, targets[0], split, width)
    else:
        for position, target in enumerate(targets):
            go_to(progress, target, split, position, parent, executed)


def _open_branches(progress: Progress, target: str, split: OpenSplit, width: int) -> None:
    """Make ready the first tasks of the branches of a foreach, those that are known apart."""
    # What followed a task that is made again followed another result, although the ids are the same.
    earlier = NOTHING if split.executed else progress.earlier
    known = earlier.children(target, split.task)
    parents = ((split.step, split.task),)
    lost: set[int] = set()
    for index, step, task in earlier.lost(split.task):
        # Its join has done without it, and is not to be executed again for its sake.
        if index < width and split.tolerates(index):
            split.lose(index, step, task)
            lost.add(index)
    known = {index: past for index, past in known.items() if index not in lost}
    for index in sorted(known.keys() & range(width)):
        past = known[index]
        launch = Launch(target, past.task, parents, index, split.path_of(index))
        _place_earlier(progress, past, split, index, launch)
    done = known.keys() | lost
    fresh = [index for index in range(width) if index not in done] if done else range(width)
    if fresh and not progress.holds_back(target):
        progress.ready.put_children(target, split, fresh)
        progress.steps[target].waiting += len(fresh)
    if not split.missing:
        _close_if_complete(progress, split)


def _open_gang(progress: Progress, target: str, split: OpenSplit, size: int) -> None:
    """Make a gang ready. It is reused as a whole, or tried again as a whole, or made anew with other ids."""
    earlier = NOTHING if split.executed else progress.earlier
    known = earlier.children(target, split.task)
    tasks = [known[index] for index in range(size)] if set(known) == set(range(size)) else []
    if tasks and all(past.transition is not None for past in tasks):
        for index, past in enumerate(tasks):
            launch = Launch(target, past.task, (), index, split.path_of(index))
            _place_earlier(progress, past, split, index, launch)
        return
    if progress.holds_back(target):
        return
    if tasks and all(past.transition is None for past in tasks):
        ids, attempt = tuple(past.task for past in tasks), max(past.attempt for past in tasks)
        progress.put_gang(Gang.of(target, ids, split, attempt), is_new=False)
    else:
        progress.put_gang(Gang.of(target, progress.ready.new_ids(size), split))
    progress.steps[target].waiting += size


def go_to(
    progress: Progress,
    target: str,
    split: OpenSplit | None,
    position: int,
    parent: tuple[str, int],
    executed: bool,
) -> None:
    """Let a branch go on at ``target``: arrive there if it is the join of its split, else make it ready."""
    step = progress.steps[target]
    if step.closes is None:
        past = None if executed else progress.earlier.single(target, parent[1])
        if past is not None:
            path = split.path_of(position) if split else ()
            _place_earlier(progress, past, split, position, Launch(target, past.task, (parent,), None, path))
            return
        if not progress.holds_back(target):
            progress.ready.put_successor(target, split, position, parent)
            step.waiting += 1
        return
    if split is None or split.join != target:
        raise StepwellInternalError(f"step {parent[0]} leads to join {target}, which closes another split")
    split.arrive(position, progress.steps[parent[0]].number, parent[1])
    split.executed = split.executed or executed
    _close_if_complete(progress, split)


def _close(progress: Progress, split: OpenSplit) -> None:
    """Make the join of a complete split ready. It is reused only if all that it gets is, and is the same."""
    del progress.open_splits[split.task]
    past = None if split.executed else progress.earlier.single(split.join, split.task)
    inputs, opener = split.inputs(progress.names) if past else (), (split.step, split.task)
    if past is None or past.inputs not in (0, inputs_of(task for _, task in inputs)):
        if not progress.holds_back(split.join):
            progress.ready.put_join(split, progress.names)
            progress.steps[split.join].waiting += 1
        return
    launch = Launch(split.join, past.task, inputs, None, split.path, opener)
    _place_earlier(progress, past, split.outer, split.position, launch)


# Lost branches


def is_tolerated(split: OpenSplit | None, position: int) -> bool:
    """Whether a split can do without this branch, or one around it without the branch that it is in."""
    while split is not None:
        if split.tolerates(position):
            return True
        split, position = split.outer, split.position
    return False


def lose(progress: Progress, split: OpenSplit | None, position: int, culprit: tuple[str, int]) -> None:
    """End a branch of a split with the failure of a task."""
    if split is not None:
        split.lose(position, *culprit)
        _close_if_complete(progress, split)


def _close_if_complete(progress: Progress, split: OpenSplit) -> None:
    """Make the join of a split ready if no branch is missing; if too many are lost, lose the outer one."""
    if split.missing:
        return
    if split.is_met:
        _close(progress, split)
        return
    del progress.open_splits[split.task]
    _, step, task = split.lost[0]
    lose(progress, split.outer, split.position, (step, task))


# What an earlier execution came to


def _place_earlier(
    progress: Progress, past: PastTask, split: OpenSplit | None, position: int, launch: Launch
) -> None:
    """Reuse a task of the earlier execution in its place, or let it wait to be tried again."""
    step = progress.steps[past.step]
    if progress.holds_back(past.step, reused=past.transition is not None):
        return
    if past.transition is not None:
        progress.reused.append(ReusedTask(past, step, split, position, launch.index_path))
        return
    launch = replace(launch, attempt=past.attempt)
    progress.ready.put_earlier(launch, split, position)
    step.waiting += 1
