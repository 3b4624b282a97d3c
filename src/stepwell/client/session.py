"""What this process has chosen: the namespace, and the place that results are read from."""

from __future__ import annotations

from pathlib import Path

from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.runtime.task.current import current, place_of_task
from stepwell.settings.places import SPIN_NAME, Place, existing_place, place_of, place_of_settings
from stepwell.settings.sources import load_settings


class _Default:
    """Nothing was chosen."""


class _Session:
    """The choices of this process."""

    def __init__(self) -> None:
        self.namespace: str | _Default | None = _Default()
        self.connection: Connection | None = None
        self.default: Connection | None = None


_session = _Session()


def namespace(ns: str | None) -> str | None:
    """Show only runs that have the tag ``ns`` from here on; None is the global namespace, which shows all.

    Returns
    -------
    str or None
        The namespace as it is now.
    """
    _session.namespace = ns
    return ns


def get_namespace() -> str | None:
    """Return the namespace as it is now; None is the global one."""
    chosen = _session.namespace
    return _default_namespace() if isinstance(chosen, _Default) else chosen


def default_namespace() -> str | None:
    """Go back to the default namespace and return it.

    That is the user's own, ``user:<name>``, unless the setting ``DEFAULT_NAMESPACE`` names another; in a task
    it is the one that its run was given, which in a deployed run is ``production:<token>``.
    """
    _session.namespace = _Default()
    return _default_namespace()


def metadata(ms: str, trust: bool | None = None) -> str:
    """Read results from another place from here on.

    Parameters
    ----------
    ms
        A directory, or ``local@DIRECTORY``; or the address of a team's index, of a database,
        ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``, or of a server, ``https://HOST:PORT``: results lie
        where the settings say.
    trust
        Whether to load values that could run code of those who wrote them, as pickles of classes can. Left
        out, they are loaded if nobody but you can write to the place, or if the setting ``TRUST`` names it.
        Plain data, previews and bytes can be read in any case.

    Returns
    -------
    str
        What `get_metadata` returns from now on.

    Raises
    ------
    UsageError, StoreError
        There is nothing that can be read; the place stays as it was.
    """
    place = existing_place(ms, load_settings())
    asked = _connection_to(place, trust)
    try:
        asked.stores.metadata.flows()
    except StepwellNotFound as error:
        raise UsageError(f"metadata({ms!r}): {error}") from error
    _session.connection = asked
    return asked.location


def inspect_spin(dir: str = ".") -> str:
    """Read what `spin` kept in a directory from here on; `default_metadata` goes back.

    Parameters
    ----------
    dir
        The directory that holds ``.stepwell_spin``.

    Returns
    -------
    str
        What `get_metadata` returns from now on.

    Raises
    ------
    StepwellNotFound
        Nothing was kept there.
    """
    place = Path(dir).absolute() / SPIN_NAME
    if not place.is_dir():
        raise StepwellNotFound(
            f"There is no {place}: `spin --persist` keeps its results there, in the working directory."
        )
    return metadata(f"local@{place}")


def get_metadata() -> str:
    """Return the place that results are read from: ``local@<directory>``, or an address, without password."""
    return current_scope().connection.location


def default_metadata() -> str:
    """Go back to the place of the run, in a task, and else to the one that the settings name; return it."""
    _session.connection = None
    return get_metadata()


def current_scope() -> Scope:
    """Return where the client looks now."""
    return Scope(_session.connection or _default_connection(), get_namespace())


def _default_namespace() -> str | None:
    if current.is_running_flow:
        return current.namespace
    settings = load_settings()
    return settings.namespace or f"user:{settings.user}"


def _default_connection() -> Connection:
    """The usual place; the connection is kept as long as that is the same."""
    asked = _connection_to(_usual_place())
    if _session.default is None or _session.default != asked:
        _session.default = asked
    return _session.default


def _usual_place() -> Place:
    """The place of the task's run, which may be named on its command line only; else that of the settings."""
    own = place_of_task()
    if own is None:
        return place_of_settings(load_settings())
    root = Path(own[0])
    if root.name != SPIN_NAME:
        return Place(root, own[1])
    from stepwell.wiring.stores import place_below  # few tasks are spun; the results of runs lie below theirs

    below = place_below(root) or Place(root)
    return place_of(below.index, load_settings(), below.root) if below.index else below


def _connection_to(place: Place, trust: bool | None = None) -> Connection:
    return Connection(place.index or place.location, trust=trust, root=str(place.root))
