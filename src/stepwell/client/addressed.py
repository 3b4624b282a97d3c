"""What all objects of the client have in common: a pathspec, tags, times, and children."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from stepwell.client.scope import Scope
from stepwell.client.session import current_scope, get_namespace
from stepwell.client.stored import StoredRun
from stepwell.exceptions import StepwellInvalidPathspec, StepwellNamespaceMismatch

Child = TypeVar("Child")


def moment(seconds: float | None) -> datetime | None:
    """Return a Unix time as local time, without a time zone, as all times of the client are."""
    return None if seconds is None else datetime.fromtimestamp(seconds)


class Addressed(ABC):
    """Something that has a pathspec.

    Parameters
    ----------
    pathspec
        Names of the flow, run, step, task and artifact, as far as needed, joined by ``/``.
    at
        Where to look; the present choice of `metadata` and `namespace` unless given.

    Raises
    ------
    StepwellInvalidPathspec
        The text has not the right number of parts.
    StepwellNotFound
        A part does not exist; the message says which, and what exists there.
    StepwellNamespaceMismatch
        It exists, but not in the namespace.
    """

    form: ClassVar[str]
    """What a pathspec of this kind looks like."""

    def __init__(self, pathspec: str, at: Scope | None = None) -> None:
        parts = pathspec.split("/")
        if len(parts) != self.form.count("/") + 1 or not all(parts):
            name = type(self).__name__
            raise StepwellInvalidPathspec(
                f"`{pathspec}` is no pathspec of a {name.lower()}; it must be {name}('{self.form}')."
            )
        self._scope = current_scope() if at is None else at
        self._path = tuple(parts)
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Find out that it exists and may be seen."""

    @property
    def id(self) -> str:
        """The last part of the pathspec."""
        return self._path[-1]

    @property
    def pathspec(self) -> str:
        """Names from the flow down to this object, joined by ``/``."""
        return "/".join(self._path)

    @property
    def path_components(self) -> list[str]:
        """Parts of the pathspec."""
        return list(self._path)

    @property
    @abstractmethod
    def tags(self) -> frozenset[str]:
        """All tags: those of users and those of the system."""

    @property
    @abstractmethod
    def user_tags(self) -> frozenset[str]:
        """Tags that users gave."""

    @property
    @abstractmethod
    def system_tags(self) -> frozenset[str]:
        """Tags that the system gave."""

    @property
    @abstractmethod
    def created_at(self) -> datetime | None:
        """When it came to be."""

    @property
    @abstractmethod
    def finished_at(self) -> datetime | None:
        """When it ended; None if it has not."""

    @property
    def origin_pathspec(self) -> str | None:
        """Pathspec of what this was resumed or reused from; None if it is original."""
        return None

    def is_in_namespace(self) -> bool:
        """Whether the namespace as it is now shows this object."""
        namespace = get_namespace()
        return namespace is None or namespace in self.tags

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pathspec!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (self._scope.connection, self._path)


class Container(Addressed, Generic[Child]):
    """Something that has children: iteration gives them newest first, ``[id]`` one of them."""

    @abstractmethod
    def __iter__(self) -> Iterator[Child]: ...

    @abstractmethod
    def _child(self, id: str) -> Child | None:
        """Return a child, or None if there is none of this name."""

    def __getitem__(self, id: str) -> Child:
        found = self._child(id)
        if found is None:
            raise KeyError(id)
        return found

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._child(id) is not None


class PartOfRun(Addressed):
    """Something that belongs to a run, and has its tags."""

    _run: StoredRun

    @property
    def tags(self) -> frozenset[str]:
        return self.user_tags | self.system_tags

    @property
    def user_tags(self) -> frozenset[str]:
        return frozenset(self._run.record().tags)

    @property
    def system_tags(self) -> frozenset[str]:
        return frozenset(self._run.record().system_tags)

    def _open_run(self) -> None:
        self._run = StoredRun(self._scope.connection, self._path[0], self._path[1])
        self._check_namespace()

    def _check_namespace(self) -> None:
        """
        Raises
        ------
        StepwellNotFound, StepwellNamespaceMismatch
        """
        namespace, record = self._scope.namespace, self._run.record()
        if namespace is not None and namespace not in (*record.tags, *record.system_tags):
            raise mismatch(f"{record.flow}/{record.run}", namespace, record.user)


def mismatch(pathspec: str, namespace: str, owner: str = "") -> StepwellNamespaceMismatch:
    """Say that something exists, but is not shown."""
    theirs = f"`namespace('user:{owner}')` shows the runs of its owner, `" if owner else "`"
    return StepwellNamespaceMismatch(
        f"{pathspec} exists, but not in the namespace `{namespace}`. {theirs}namespace(None)` shows all runs."
    )
