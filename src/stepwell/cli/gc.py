"""``gc``: remove what nothing refers to, and runs beyond the rules of retention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.removal import Request, flows_meant, listed_runs, removal_options, remove
from stepwell.cli.wording import counted
from stepwell.exceptions import UsageError
from stepwell.settings.retention import drop_rule, retention_of
from stepwell.upkeep.live_runs import is_ending, runs_of
from stepwell.upkeep.retention import DropRule, Retention, Rules, Verdict, dropped_of, verdicts


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "gc",
        params=[
            click.Option(
                ["--keep-last"],
                type=click.IntRange(min=0),
                metavar="N",
                help="Keep the newest N of each branch.",
            ),
            click.Option(
                ["--keep-days"],
                type=click.FloatRange(min=0),
                metavar="D",
                help="Keep those of the last D days.",
            ),
            click.Option(["--keep-successful"], is_flag=True, help="Keep those that have succeeded."),
            click.Option(
                ["--keep-tag"], multiple=True, metavar="T", help="Keep those with this tag; may be repeated."
            ),
            click.Option(
                ["--drop-artifacts"],
                multiple=True,
                metavar="STEP/NAME",
                help="Drop the values of this artifact in runs that are --older-than, and keep type and "
                "preview; may be FLOW/STEP/NAME, have * in it, and be repeated.",
            ),
            click.Option(["--older-than"], metavar="AGE", help="How old for --drop-artifacts, such as 30d."),
            *removal_options(),
        ],
        callback=gc,
        help="Remove values, results and code that no run refers to. With rules (of the setting RETENTION, "
        "or options, which count in its place) delete runs that no rule keeps; production runs and runs with "
        "tags of a user are kept. Shows what would go and asks first. Safe beside runs that go on.",
    )


def gc(dry_run: bool, yes: bool, grace: str, as_json: bool, **rules: Any) -> ExitCode:
    """Collect."""
    context = current_context()
    retention = _of_options(rules) or retention_of(context.settings)
    request = Request.of(context, dry_run=dry_run, yes=yes, as_json=as_json, grace=grace)
    stores, found = request.stores, list[Verdict]()
    drops: dict[tuple[str, str], Sequence[DropRule]] = {}
    for flow in flows_meant(request):
        of_flow = list(
            verdicts(
                runs_of(stores.datastore, stores.metadata, flow, request.here), retention, request.here.now
            )
        )
        found += of_flow
        for verdict in of_flow:
            if verdict.keep and (active := dropped_of(verdict.run, retention.drops, request.here.now)):
                drops[verdict.run.flow, verdict.run.run] = active
    asked = request.asked(
        delete=[it.run for it in found if not (it.keep or is_ending(it.run, request.here))], drops=drops
    )
    return remove(request, asked, _introduction(found, retention), "Remove this for good?")


def _of_options(given: dict[str, Any]) -> Retention | None:
    """Return the rules of the command line; None if it has none."""
    general = Rules(
        keep_last=given["keep_last"],
        keep_days=given["keep_days"],
        keep_successful=given["keep_successful"],
        keep_tags=tuple(given["keep_tag"]),
    )
    artifacts, older_than = given["drop_artifacts"], given["older_than"]
    if bool(artifacts) != (older_than is not None):
        raise UsageError(
            "--drop-artifacts and --older-than go together: what is dropped, and how old it must be."
        )
    drops = tuple(drop_rule(artifact, older_than) for artifact in artifacts)
    return Retention(general=general, drops=drops) if general.are_given or drops else None


def _introduction(found: Sequence[Verdict], retention: Retention) -> list[str]:
    """Say which runs are deleted, and why the others are not."""
    if not (retention.general.are_given or retention.flows):
        return []
    gone = [it.run for it in found if not it.keep]
    reasons = Counter(it.why for it in found if it.keep)
    kept = "; ".join(f"{number}: {why}" for why, number in reasons.most_common(5))
    return [
        f"{counted(len(gone), 'run')} of {len(found)} to delete.{f' Kept: {kept}.' if kept else ''}",
        *listed_runs(gone),
    ]
