"""One step beside any run: its store laid over the datastore that its inputs come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from stepwell.datastore.serializers import Serializers
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import UsageError
from stepwell.metadata_store.address import without_password
from stepwell.runtime.clock import SystemClock
from stepwell.runtime.options import RunOptions, RunSettings, SpinAsked
from stepwell.runtime.spinning import Spinning, SpinResult
from stepwell.settings.kinds import check_stores
from stepwell.settings.places import BELOW_FILE, SPIN_NAME, Place, place_of_settings
from stepwell.settings.settings import Settings
from stepwell.wiring.processes import isolation_of, make_engine, make_step_function
from stepwell.wiring.serializers import installed_serializers
from stepwell.wiring.stores import below_of, open_both, open_datastore


def spin_step(
    definition: FlowDefinition,
    asked: SpinAsked,
    options: RunOptions,
    settings: Settings,
    persist: bool,
    tell: Callable[[str], None],
) -> SpinResult:
    """Run one step at once; return what came of it. The datastore is only read.

    Must be called before the process has started threads or opened connections: the launcher is forked here.

    Parameters
    ----------
    persist
        Whether what the step makes is kept, in `spin_root`.
    tell
        Gets words on an attempt that another one follows.

    Raises
    ------
    StepwellException
        The inputs are not to be had, or a store cannot serve.
    """
    check_stores(settings)
    user, seed = settings.user, settings.text("SEED") or None
    isolation, _ = isolation_of(options)
    serializers = Serializers(installed_serializers)
    with _place(settings, persist) as place:
        engine = make_engine(
            definition,
            lambda: make_step_function(definition, place, settings, isolation != "fork", serializers),
            place,
            isolation,
            1,
            options.kill_grace_s,
        )
        spinning = Spinning(
            definition,
            engine,
            lambda: open_both(place, settings, serializers),
            SystemClock(),
            RunSettings(user=user, fsync="never", seed=seed),
        )
        return spinning.execute(asked, options, tell)


def spin_root(settings: Settings) -> Path:
    """Return where results of `spin` are kept that are kept."""
    return settings.directory / SPIN_NAME


@contextmanager
def _place(settings: Settings, persist: bool) -> Generator[Place]:
    below = settings.datastore_root
    if persist:
        yield Place(_laid_over(below, spin_root(settings), settings))
        return
    from tempfile import TemporaryDirectory  # start-up time that only this pays

    with TemporaryDirectory(prefix="stepwell-") as around:
        yield Place(_laid_over(below, Path(around) / SPIN_NAME, settings))


def _laid_over(below: Path, root: Path, settings: Settings) -> Path:
    """Make a store that lies over a datastore."""
    found = below_of(root)
    if found not in (None, below):
        raise UsageError(
            f"{root} keeps what was spun from the datastore {found}, and this is {below}. Remove it, or call "
            "`spin --persist` in another directory."
        )
    root.mkdir(mode=0o700, exist_ok=True)
    if found is None:
        open_datastore(root, settings)
    index = place_of_settings(settings).index
    index = without_password(index) if index else ""
    (root / BELOW_FILE).write_text(f"{os.path.relpath(below, root)}\0{index}", encoding="utf-8")
    return root
