"""``rm RUN...``: delete runs, and free what nobody else refers to."""

from __future__ import annotations

from collections.abc import Sequence

import click

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.removal import Request, flows_meant, listed_runs, removal_options, remove
from stepwell.cli.stores import find_in
from stepwell.cli.wording import counted
from stepwell.exceptions import UsageError
from stepwell.metadata_store.liveness import settle
from stepwell.model.run import RunRecord
from stepwell.settings.retention import age_of
from stepwell.upkeep.live_runs import is_ending, lies_in, runs_of
from stepwell.upkeep.retention import ended_at, protected


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "rm",
        params=[
            click.Argument(["runs"], nargs=-1, metavar="[[FLOW/]RUN]..."),
            click.Option(
                ["--older-than"],
                metavar="AGE",
                help="In place of names: all runs that have ended longer ago, such as 30d, but for "
                "production runs and runs with tags of a user.",
            ),
            *removal_options(),
        ],
        callback=rm,
        help="Delete runs: out of the index, and with results and logs. What other runs have taken over from "
        "them stays readable. Asks first; a run that goes on is refused.",
    )


def rm(
    runs: tuple[str, ...],
    older_than: str | None,
    dry_run: bool,
    yes: bool,
    grace: str,
    as_json: bool,
) -> ExitCode:
    """Delete what is named, or old."""
    context = current_context()
    if bool(runs) == (older_than is not None):
        raise UsageError("Which runs? `rm RUN...` or `rm --older-than AGE`, one of the two.")
    request = Request.of(context, dry_run=dry_run, yes=yes, as_json=as_json, grace=grace)
    kept: list[RunRecord] = []
    chosen = _named(request, runs) if older_than is None else _old(request, older_than, kept)
    if not chosen:
        context.console.talk(f"No run is that old.{_spared(kept)}")
        return ExitCode.DONE
    runs_to_go = counted(len(chosen), "run")
    introduction = (f"{runs_to_go} to delete.{_spared(kept)}", *listed_runs(chosen))
    return remove(request, request.asked(chosen), introduction, f"Delete {runs_to_go} for good?")


def _named(request: Request, names: Sequence[str]) -> list[RunRecord]:
    """Return the runs of these names, each once; refuse those that go on."""
    found: dict[tuple[str, str], RunRecord] = {}
    for name in names:
        address = find_in(request.context, request.stores, name)
        if address.step is not None:
            raise UsageError(f"rm takes runs, and `{name}` is a part of one. Tasks cannot be deleted alone.")
        if not lies_in(address.run, request.stores.datastore):
            raise UsageError(
                f"The results of run {address.run.flow}/{address.run.run} are in another datastore: "
                f"{address.run.fields['ds-root']}. Name it with --datastore-root."
            )
        run = settle(request.stores.metadata, address.run, request.here.now, request.here.host)
        if not run.state.finished:
            raise UsageError(
                f"Run {run.flow}/{run.run} still goes on. End it first: `stepwell kill {run.flow}/{run.run}`."
            )
        if is_ending(run, request.here):
            raise UsageError(
                f"The process of run {run.flow}/{run.run} is just ending. Try again in a moment."
            )
        found[run.flow, run.run] = run
    return list(found.values())


def _old(request: Request, older_than: str, kept: list[RunRecord]) -> list[RunRecord]:
    """Return the runs that have ended that long ago; put those that are kept all the same into ``kept``."""
    before = request.here.now - age_of(older_than, "--older-than")
    chosen: list[RunRecord] = []
    for flow in flows_meant(request):
        for run in runs_of(request.stores.datastore, request.stores.metadata, flow, request.here):
            if run.state.finished and ended_at(run) < before and not is_ending(run, request.here):
                (kept if protected(run) else chosen).append(run)
    return chosen


def _spared(kept: Sequence[RunRecord]) -> str:
    if not kept:
        return ""
    are = "is kept: it is" if len(kept) == 1 else "are kept: they are"
    return (
        f" {counted(len(kept), 'older one')} {are} of production, or tagged. `rm RUN` deletes them by name."
    )
