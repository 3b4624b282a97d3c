"""What a step needs and how it is to be treated: written by decorators, read by engines and scheduling."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stepwell.model.cache import CachePolicy

LoadPolicy = Literal["fresh", "eager", "none"]
"""Which checkpoint a task goes on from: of its earlier attempts, of any run of the namespace, or none."""


class Resources(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task needs. None means not stated.

    Attributes
    ----------
    cpu, gpu
        Number of cores and of devices; fractions are allowed.
    memory_mb, disk_mb, shared_memory_mb
        In MB, as users state them.
    custom
        How many of each kind of token that users name.
    enforce
        Whether a task that uses more memory than it asked for is ended.
    """

    cpu: float | None = None
    gpu: float | None = None
    memory_mb: float | None = None
    disk_mb: float | None = None
    shared_memory_mb: float | None = None
    custom: dict[str, float] = {}
    enforce: bool = False


class RetryPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often, when and after what a failed task is tried again.

    Attributes
    ----------
    times
        Most further attempts.
    delay_s
        Wait before the first of them; None is what the engine has as its default.
    backoff
        Factor by which each wait is longer than the one before.
    jitter, jitter_s
        Up to how much a wait is lengthened at random: as a fraction of it, and in seconds.
    max_delay_s
        Longest wait.
    on, never_on
        Dotted names of classes, or pseudo-types: only these are tried again; these never are. Empty ``on``
        is all.
    """

    times: int = 0
    delay_s: float | None = None
    backoff: float = 1.0
    jitter: float = 0.0
    jitter_s: float = 0.0
    max_delay_s: float | None = None
    on: tuple[str, ...] = ()
    never_on: tuple[str, ...] = ()

    def applies_to(self, kinds: tuple[str, ...]) -> bool:
        """Whether a failure of these kinds, a class and its bases by name, is tried again at all."""
        return not any(kind in self.never_on for kind in kinds) and (
            not self.on or any(kind in self.on for kind in kinds)
        )


class CatchPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task that has failed for good succeeds all the same.

    Attributes
    ----------
    var
        Artifact that gets what was raised, or None if the step went well; empty for no artifact.
    print_exception
        Whether the task's log has the traceback.
    items
        What a step that opens a foreach goes on with; None if nobody says.
    case
        The case that a switch takes; empty if nobody says.
    """

    var: str = ""
    print_exception: bool = True
    items: tuple[object, ...] | None = None
    case: str = ""


class CardPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One card of a step.

    Attributes
    ----------
    type, id
        What kind of page it is, and what it is called among those of the step; an id may be empty.
    options
        What the type is given.
    customize
        Whether it takes the components of a step that does not say for which card they are.
    refresh_interval_s
        Least time between two writes of components that have changed.
    """

    type: str = "default"
    id: str = ""
    options: dict[str, object] = {}
    customize: bool = False
    refresh_interval_s: float = 5.0


class StepPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sum of what a step's decorators ask for; checked against an engine's capabilities before a run.

    Attributes
    ----------
    variables
        Environment variables (name, value), sorted, that are set before the flow's file is imported.
    timeout_s, timeout_grace_s
        Most time for the step's code in each attempt, 0 is unlimited; and what a task that does not end then
        gets before it is killed.
    checkpoint
        Which checkpoint is loaded for it; None if the step keeps no checkpoints.
    priority
        Of tasks that are ready, those with a higher one start first.
    cache
        How results of earlier tasks are taken in place of running the step; None is not at all.
    gang
        Whether its tasks start together, and succeed or fail together.
    engine
        Name of the engine that its tasks run on; empty for that of the run.
    engine_options
        What its decorator states that only that engine understands.
    cards
        The pages that its tasks make.
    """

    resources: Resources = Resources()
    variables: tuple[tuple[str, str], ...] = ()
    retry: RetryPolicy = RetryPolicy()
    catch: CatchPolicy | None = None
    timeout_s: float = 0.0
    timeout_grace_s: float = 30.0
    checkpoint: LoadPolicy | None = None
    priority: int = 0
    cache: CachePolicy | None = None
    gang: bool = False
    engine: str = ""
    engine_options: dict[str, object] = {}
    cards: tuple[CardPolicy, ...] = ()
