"""Which earlier run a command goes on from."""

from __future__ import annotations

from stepwell.cli.addresses import find
from stepwell.cli.context import CliContext
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.metadata_store.store import RunQuery
from stepwell.model.run import RunRecord


def origin_run(context: CliContext, flow: str, named: str | None) -> RunRecord:
    """Return the run that is named, else the user's latest run of the flow.

    Raises
    ------
    UsageError
        There is none, or it is a run of another flow.
    """
    from stepwell.wiring.stores import open_stores

    try:
        stores = open_stores(settings=context.settings)
    except StepwellNotFound as error:
        raise UsageError(
            f"There is no run of {flow} to go on from. Start one with `{context.flow_hint('run')}`. ({error})"
        ) from error
    datastore, metadata = stores.datastore, stores.metadata
    try:
        if not metadata.flows() and next(datastore.run_records.all(), None) is not None:
            raise UsageError(
                f"The index of {datastore.location} knows of no run, but there are runs. "
                "`stepwell reindex` makes the index anew."
            )
        if named is None:
            user = context.settings.user
            newest = metadata.runs(RunQuery(flow=flow, tags=(f"user:{user}",), limit=1))
            if not newest:
                raise UsageError(
                    f"There is no run of {flow} by {user} in {metadata.location} to go on from. Start one "
                    f"with `{context.flow_hint('run')}`, or name a run."
                )
            named = newest[0].run
        run_id = named.removeprefix(f"{flow}/")
        if "/" in run_id:
            raise UsageError(f"`{named}` is no run of {flow}. Name a run by its id, as in `12`.")
        # By its address: a run that is recorded as running and is not any more is found out here.
        return find(stores, f"{flow}/{run_id}").run
    finally:
        metadata.close()
