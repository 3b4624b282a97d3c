"""Which runs are kept and which artifacts are dropped: rules in, verdicts out, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from stepwell.model.run import RunRecord
from stepwell.model.states import RunState

DAY_S = 86400.0


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is kept of a flow's runs. A run stays if any rule keeps it; without rules all stay.

    Attributes
    ----------
    keep_last
        The newest so many of each branch.
    keep_days
        Runs that have ended within so many days.
    keep_successful
        Runs that have succeeded.
    keep_tags
        Runs with one of these tags, of the user or of the system.
    """

    keep_last: int | None = None
    keep_days: float | None = None
    keep_successful: bool = False
    keep_tags: tuple[str, ...] = ()

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return self != Rules()


class DropRule(Struct, frozen=True):
    """Artifacts that are dropped once they are old.

    Attributes
    ----------
    artifact
        ``STEP/NAME``, or ``FLOW/STEP/NAME``; ``*`` stands for any text.
    older_than_s
        Seconds since the run has ended.
    text
        The rule as it was given.
    """

    artifact: str
    older_than_s: float
    text: str

    def is_of(self, flow: str, step: str) -> bool:
        """Whether artifacts of a step may be meant."""
        *flows, steps, _ = self.artifact.split("/")
        return fnmatchcase(step, steps) and all(fnmatchcase(flow, meant) for meant in flows)

    def names(self, flow: str, step: str, artifact: str) -> bool:
        """Whether an artifact is meant."""
        return self.is_of(flow, step) and fnmatchcase(artifact, self.artifact.rpartition("/")[2])


class Retention(Struct, frozen=True, kw_only=True):
    """All rules: the general ones, those of single flows in their place, and what is dropped of the rest."""

    general: Rules = Rules()
    flows: Mapping[str, Rules] = {}
    drops: tuple[DropRule, ...] = ()

    def of(self, flow: str) -> Rules:
        """Return the rules for a flow."""
        return self.flows.get(flow, self.general)


class Verdict(Struct, frozen=True):
    """What becomes of a run, and why."""

    run: RunRecord
    keep: bool
    why: str


def verdicts(runs: Sequence[RunRecord], retention: Retention, now: float) -> Iterator[Verdict]:
    """Yield what becomes of each run of one flow.

    Parameters
    ----------
    runs
        All of the flow, the newest first, as they are now.
    """
    seen: Counter[str] = Counter()
    for run in runs:
        branch = branch_of(run)
        why = protected(run) or _kept_by(retention.of(run.flow), run, seen[branch], now)
        seen[branch] += 1
        yield Verdict(run, bool(why), why or "no rule keeps it")


def protected(run: RunRecord) -> str:
    """Say why a run is kept whatever the rules are, unless it is named; empty if it is not."""
    if not run.state.finished:
        return f"it is {run.state.value}"
    if is_production(run):
        return "it is a production run"
    return f"it has the tag {run.tags[0]}" if run.tags else ""


def is_production(run: RunRecord) -> bool:
    """Whether a run belongs to production."""
    branch = branch_of(run)
    return branch == "prod" or branch.startswith("prod.") or bool(_tagged(run, "production:"))


def branch_of(run: RunRecord) -> str:
    """Return the branch of its project that a run belongs to; empty if it has none."""
    return _tagged(run, "project_branch:")


def ended_at(run: RunRecord) -> float:
    """Return when a run has ended, as far as that is known."""
    known = (run.created_at, run.heartbeat_at or 0.0, run.finished_at or 0.0)
    return max(known)


def dropped_of(run: RunRecord, drops: Iterable[DropRule], now: float) -> tuple[DropRule, ...]:
    """Return the rules by which artifacts of a run are dropped, if it has ended long enough ago."""
    if protected(run):
        return ()
    age_s = now - ended_at(run)
    return tuple(rule for rule in drops if age_s > rule.older_than_s)


def _kept_by(rules: Rules, run: RunRecord, newer: int, now: float) -> str:
    if not rules.are_given:
        return "there is no rule for its flow"
    if rules.keep_last is not None and newer < rules.keep_last:
        return f"it is among the last {rules.keep_last}"
    if rules.keep_days is not None and now - ended_at(run) <= rules.keep_days * DAY_S:
        return f"it is not older than {rules.keep_days:g} days"
    if rules.keep_successful and run.state is RunState.SUCCEEDED:
        return "it has succeeded"
    tag = next((tag for tag in rules.keep_tags if tag in (*run.tags, *run.system_tags)), None)
    return f"it has the tag {tag}" if tag is not None else ""


def _tagged(run: RunRecord, prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in run.system_tags if tag.startswith(prefix)), "")
