"""``doctor``: is everything there that a run needs, and are stored results as they were written?"""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.stores import find_in, stores_of
from stepwell.datastore.remedies import RESULT_LOST
from stepwell.exceptions import UsageError

_SIGNS = {"ok": "ok     ", "warning": "WARNING", "fatal": "FATAL  "}


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "doctor",
        params=[
            click.Option(["--datastore"], is_flag=True, help="Check every stored pack and blob instead."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print the findings as JSON."),
            click.Argument(["runs"], nargs=-1, metavar="[[FLOW/]RUN]..."),
        ],
        callback=doctor,
        help="Check what a run needs on this machine; with --datastore, that results (of all runs, or of "
        "those named) are as they were written. Nothing is changed. Exit code 1 if something is broken.",
    )


def doctor(datastore: bool, as_json: bool, runs: Sequence[str]) -> ExitCode:
    """Print what was found, and what to do about it."""
    context = current_context()
    if datastore:
        return _check_results(context, runs, as_json)
    if runs:
        raise UsageError("`doctor` takes runs only together with --datastore.")
    from stepwell.cli.doctor_checks import findings

    found = list(findings(context.settings))
    if as_json:
        context.console.data(msgspec.json.encode({"findings": found}).decode())
    else:
        for finding in found:
            context.console.data(*f"{_SIGNS[finding.severity]} {finding.check}: {finding.text}".split("\n"))
            if finding.fix:
                context.console.data(f"        {finding.fix}")
    broken = any(finding.severity == "fatal" for finding in found)
    return ExitCode.FAILED if broken else ExitCode.DONE


def _check_results(context: CliContext, addresses: Sequence[str], as_json: bool) -> ExitCode:
    from stepwell.upkeep.verify import Verified, verify

    stores = stores_of(context)
    found = [find_in(context, stores, address).run for address in addresses]
    seen = Verified()
    damages = list(verify(stores.datastore, [(r.flow, r.run) for r in found] if addresses else None, seen))
    if as_json:
        whole = {"packs": seen.packs, "blobs": seen.blobs, "damaged": damages}
        context.console.data(msgspec.json.encode(whole).decode())
    else:
        for damage in damages:
            concerned = f"{damage.task}: " if damage.task else ""
            context.console.data(f"{concerned}{damage.what} ({damage.place})")
        verdict = f"{len(damages)} damaged or missing" if damages else "all are as they were written"
        context.console.data(f"{seen.packs} packs and {seen.blobs} blobs looked at: {verdict}")
        if damages:
            context.console.talk(RESULT_LOST)
    return ExitCode.FAILED if damages else ExitCode.DONE
