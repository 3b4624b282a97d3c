"""The pack: the one small file that a task attempt commits. It is the commit point of a task."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.artifact import ArtifactEntry, ItemsRef
from stepwell.model.cache import Origin
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.task import GangPlace, LostBranch, TaskOutcome, TaskRef


class MetricPoint(Struct, frozen=True, array_like=True):
    """One point of a series that a step has measured; ``at`` is Unix time in seconds."""

    step: float
    value: float
    at: float


class Pack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about one task attempt.

    Attributes
    ----------
    own
        Artifacts that this attempt wrote, sorted by name.
    inherited
        Artifacts passed on by reference, sorted by name; kept apart (in a blob) when there are many.
    inherited_blob
        Digest of the blob that holds ``inherited`` when it is kept apart.
    items, item_table
        The foreach items this task made, and their bytes when they are small.
    iterations
        For a step in loops: how often each has begun again, outermost first.
    dropped
        For a join: names that its inputs had and that it did not take over (at most 1,000, sorted).
    lost
        For the join of a tolerant foreach: the branches that it did without.
    fields
        What the attempt recorded of its surroundings: host, pid, user, versions.
    facts
        What the step said with ``current.log``: JSON text by name.
    metrics
        Series that the step measured with ``current.metric``, thinned out when they are long.
    observed
        For a cached step: what its result depends on, as `model.observed` has it.
    origin
        The task whose result this is, if no process ran for it.
    gang
        Its place, if it is one of a gang.
    prepared
        What is to be its outcome as soon as all tasks of its gang have prepared theirs; until then it counts
        as failed.
    """

    key: TaskKey
    attempt: int
    outcome: TaskOutcome
    parents: tuple[TaskRef, ...] = ()
    split: TaskRef | None = None
    lost: tuple[LostBranch, ...] = ()
    frames: tuple[Frame, ...] = ()
    iterations: tuple[int, ...] = ()
    own: tuple[ArtifactEntry, ...] = ()
    inherited: tuple[ArtifactEntry, ...] = ()
    inherited_blob: bytes = b""
    items: ItemsRef | None = None
    item_table: bytes = b""
    dropped: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    facts: dict[str, str] = {}
    metrics: dict[str, tuple[MetricPoint, ...]] = {}
    observed: bytes = b""
    origin: Origin | None = None
    gang: GangPlace | None = None
    prepared: TaskOutcome | None = None
