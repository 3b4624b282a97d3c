"""What commands that remove results have in common: they show what would go, and ask."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping, Sequence

import click
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stepwell.cli.context import CliContext
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.stores import stores_of
from stepwell.cli.wording import counted
from stepwell.exceptions import UsageError
from stepwell.model.amounts import byte_size, duration
from stepwell.model.run import RunRecord
from stepwell.settings.retention import age_of
from stepwell.upkeep.collection import Asked, Collected, collect
from stepwell.upkeep.live_runs import Here
from stepwell.upkeep.retention import DropRule
from stepwell.wiring.spun_runs import spun_from
from stepwell.wiring.stores import Stores

DEFAULT_GRACE = "1h"
SHORTEST_GRACE_S = 10.0

_LISTED = 20


def removal_options() -> list[click.Parameter]:
    """Return fresh options that every such command has."""
    return [
        click.Option(["--dry-run"], is_flag=True, help="Only say what would be removed."),
        click.Option(["--yes", "-y"], is_flag=True, help="Do not ask."),
        click.Option(
            ["--grace"],
            default=DEFAULT_GRACE,
            metavar="AGE",
            help="Leave values that nothing refers to for so long, and before every run that goes on. It "
            "must be more than a run needs to begin, and at least 10s.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print what was removed as JSON."),
    ]


class Request(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line, apart from what is to go."""

    context: CliContext
    stores: Stores
    here: Here
    grace_s: float
    dry_run: bool
    yes: bool
    as_json: bool

    @classmethod
    def of(cls, context: CliContext, dry_run: bool, yes: bool, as_json: bool, grace: str) -> Request:
        """Return the request of a command, once it is sure that somebody says yes.

        Raises
        ------
        UsageError
            There is nobody to ask, or the grace is too short.
        """
        grace_s = age_of(grace, "--grace")
        if grace_s < SHORTEST_GRACE_S:
            raise UsageError(
                f"--grace must be at least {SHORTEST_GRACE_S:.0f}s, for a run needs time to begin."
            )
        if not dry_run and not yes and not sys.stdin.isatty():
            raise UsageError(
                "This removes results for good. Say so with --yes, or see with --dry-run what would go."
            )
        return cls(
            context=context,
            stores=stores_of(context),
            here=Here(socket.gethostname(), time.time()),
            grace_s=grace_s,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )

    def asked(
        self, delete: Sequence[RunRecord], drops: Mapping[tuple[str, str], Sequence[DropRule]] | None = None
    ) -> Asked:
        """Return what is to be removed."""
        pinned = spun_from(self.context.settings)
        return Asked(delete=delete, drops=drops or {}, grace_s=self.grace_s, pinned=pinned)


def flows_meant(request: Request) -> Sequence[str]:
    """Return the flows whose runs are meant: at a flow's own front door that one, else all."""
    flow = request.context.flow_class
    return request.stores.metadata.flows() if flow is None else (flow.__name__,)


def remove(request: Request, asked: Asked, introduction: Sequence[str], question: str) -> ExitCode:
    """Show what would go; ask, unless told not to; remove it, and say what went."""
    console = request.context.console
    found = _collected(request, replace(asked, dry_run=True))
    if not request.as_json:
        for line in (*introduction, *would_go(found, asked)):
            console.data(line)
    if request.dry_run or not (found.runs or found.freed or found.pending):
        return _end(request, found, request.dry_run)
    if not (found.runs or found.freed):  # the rest of a deletion that was asked for, and was cut short
        return _end(request, _collected(request, asked), False)
    if not request.yes:
        console.flush()
        if not click.confirm(question, err=True):
            console.talk("Nothing is removed.")
            return ExitCode.INTERRUPTED
    done = _collected(request, asked)
    if not request.as_json:
        for run in done.taken_up:
            console.talk(f"Run {run.flow}/{run.run} is not deleted: somebody has just gone on with it.")
        deleted = f"{counted(len(done.runs), 'run')} deleted, " if done.runs else ""
        console.talk(f"{deleted}{byte_size(done.freed)} freed.")
    return _end(request, done, False)


def _collected(request: Request, asked: Asked) -> Collected:
    return collect(request.stores.datastore, request.stores.metadata, request.here, asked)


def _end(request: Request, found: Collected, dry_run: bool) -> ExitCode:
    if request.as_json:
        whole = {
            "dry_run": dry_run,
            "runs": [f"{run.flow}/{run.run}" for run in found.runs],
            "not_deleted": [f"{run.flow}/{run.run}" for run in found.taken_up],
            "waiting": ["/".join(place) for place in found.waiting],
            "freed_bytes": found.freed,
            "of_runs": found.objects,
            "values": found.values,
            "dropped": found.dropped,
            "leftover_bytes": found.leftovers,
            "too_young": found.young,
            "damaged": found.damaged,
        }
        request.context.console.data(msgspec.json.encode(whole).decode())
    return ExitCode.DONE


def listed_runs(runs: Sequence[RunRecord]) -> list[str]:
    """Return a line for each run, or for the first ones and the number of the others."""
    lines = [f"  {_described(run)}" for run in runs[:_LISTED]]
    if len(runs) > _LISTED:
        lines.append(f"  and {len(runs) - _LISTED} more (--json lists all)")
    return lines


def would_go(found: Collected, asked: Asked) -> list[str]:
    """Return in lines what would be removed, and what stays for now."""
    amounts = (
        (found.objects.count, found.objects.bytes, "results and logs of deleted runs"),
        (found.values.count, found.values.bytes, "values and code that nothing refers to"),
        (found.dropped.count, found.dropped.bytes, "artifacts that a rule drops"),
        (found.leftovers, found.leftovers, "left half written by processes that were killed"),
    )
    lines = [f"{byte_size(found.freed)} would be freed:"] if found.freed else ["Nothing would be freed."]
    lines += [f"  {byte_size(size):>10}  {what}" for count, size, what in amounts if count]
    if found.young.count:
        lines.append(
            f"{byte_size(found.young.bytes)} that nothing refers to stays for now: it is younger than "
            f"--grace allows ({duration(asked.grace_s)} before now, and before every run that goes on)."
        )
    if found.waiting:
        runs = ", ".join("/".join(place) for place in found.waiting[:_LISTED])
        lines.append(
            f"Results of deleted runs stay for now, for a run that goes on, or a spin, may need them: {runs}."
        )
    if found.unknown:
        runs = ", ".join(f"{run.flow}/{run.run}" for run in found.unknown[:_LISTED])
        lines.append(
            f"Not in the index, so that they may go on for all we know: {runs}. If the index was lost, "
            "`stepwell reindex` makes it anew; if it is another one, name it with --metadata."
        )
    if found.damaged:
        lines.append(
            f"Damaged, so that it is not known which values they need, and none is removed: "
            f"{', '.join(found.damaged[:_LISTED])}. `stepwell doctor --datastore` tells more; `continue` "
            "makes such a task again, `rm` deletes its run."
        )
    return lines


def _described(run: RunRecord) -> str:
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created_at))
    tags = f"  {','.join(run.tags)}" if run.tags else ""
    return f"{run.flow}/{run.run}  {run.state.value}  {started}  {run.user}{tags}"
