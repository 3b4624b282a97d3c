"""What to do, as the deciding half of the executor says."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.states import RunState


class Launch(Struct, frozen=True, array_like=True):
    """Run this task.

    Attributes
    ----------
    task
        Its id: a number counted from 1 within the run; later tasks have higher ones.
    parents
        ``(step, task id)`` of those it inherits from, or, for a join, of its inputs in their order.
    index
        The item's index for the first task of a foreach branch.
    index_path
        Indexes of all enclosing foreach items, outermost first.
    split
        For a join: ``(step, task id)`` of the task that opened the split.
    failed
        For a join: index, step and task id of each tolerated failure.
    attempt
        Which try of it, from 0.
    retries_left
        How many further attempts it may have if this one fails.
    catch
        Run no code of the step: the failure of the attempt before is caught.
    devices
        Ids of the GPUs that are its own, or that it shares.
    gang
        Of one of a gang: id of the first task, and how many there are. The others are launched with it.
    """

    step: str
    task: int
    parents: tuple[tuple[str, int], ...]
    index: int | None = None
    index_path: tuple[int, ...] = ()
    split: tuple[str, int] | None = None
    failed: tuple[tuple[int, str, int], ...] = ()
    attempt: int = 0
    retries_left: int = 0
    catch: bool = False
    devices: tuple[str, ...] = ()
    gang: tuple[int, int] | None = None


class LookUp(Struct, frozen=True, array_like=True):
    """Look for the result of an equal task of the past. The answer is a fact; the task takes no room."""

    launch: Launch


class Reuse(Struct, frozen=True, array_like=True):
    """Take this task as it was in an earlier execution: nothing is launched for it."""

    step: str
    task: int
    index_path: tuple[int, ...]


class Retry(Struct, frozen=True, array_like=True):
    """The task, or the gang of which it is the first, will be launched again, ``wait_s`` seconds later."""

    task: int
    wait_s: float
    why: str


class EndGang(Struct, frozen=True, array_like=True):
    """One task of a gang has failed: end these others, which cannot succeed without it."""

    control: int
    tasks: tuple[int, ...]


class SealGang(Struct, frozen=True, array_like=True):
    """Every task of this gang has ended well: let their results count."""

    control: int


class GiveUpGang(Struct, frozen=True, array_like=True):
    """Every task of this gang has ended, and the gang has failed for good."""

    control: int


class Remark(Struct, frozen=True, array_like=True):
    """Tell the user this."""

    text: str


class Withdraw(Struct, frozen=True, array_like=True):
    """Take back what is launched and has not started; what runs goes on."""


class CancelRunning(Struct, frozen=True, array_like=True):
    """End every task that is launched and has not ended."""

    reason: str


class EndRun(Struct, frozen=True, array_like=True):
    """Nothing more will happen; every launched task has ended.

    ``as_asked`` tells an interruption that the user wanted from the beginning.
    """

    state: RunState
    reason: str = ""
    as_asked: bool = False


Order = (
    Launch
    | LookUp
    | Reuse
    | Retry
    | EndGang
    | SealGang
    | GiveUpGang
    | Remark
    | Withdraw
    | CancelRunning
    | EndRun
)
