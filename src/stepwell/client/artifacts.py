"""Artifacts of a task by name, each loaded when its value is asked for."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

from stepwell.client.framework_artifacts import framework_artifacts
from stepwell.client.previews import preview as stored_preview
from stepwell.client.stored import StoredTask
from stepwell.datastore.blobs import digest_of
from stepwell.datastore.preview import preview, type_name
from stepwell.exceptions import StepwellExceptionWrapper, TaskError, UntrustedData
from stepwell.model.task_record import brief


class TaskData:
    """Artifacts of a task as attributes; ``"x" in data`` asks for one without loading it.

    Names with a leading underscore are there too, but ``dir`` does not show them.
    """

    def __init__(self, task: StoredTask) -> None:
        self.__dict__["_task"] = task

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        task: StoredTask = self.__dict__["_task"]
        try:
            return value_of(task, name)
        except KeyError:
            known = ", ".join(public_names(task)) or "none"
            raise AttributeError(
                f"{task.key.pathspec} has no artifact {name!r}; it has {known}", name=name, obj=self
            ) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"`{name}` cannot be set: artifacts of a task that has run stay as they are")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and has(self.__dict__["_task"], name)

    def __dir__(self) -> Iterator[str]:
        return iter(public_names(self.__dict__["_task"]))

    def __reduce__(self) -> tuple[object, ...]:
        return (TaskData, (self.__dict__["_task"],))

    def __repr__(self) -> str:
        return f"<artifacts of {self.__dict__['_task'].key.pathspec}: {', '.join(dir(self))}>"


def public_names(task: StoredTask) -> list[str]:
    """Return the names that listings show, sorted."""
    return sorted(name for name in task.entries() if not name.startswith("_"))


def all_names(task: StoredTask) -> list[str]:
    """Return every name that can be read, sorted."""
    return sorted({*task.entries(), *framework_artifacts(task)})


def has(task: StoredTask, name: str) -> bool:
    """Whether the task has the artifact; nothing is loaded."""
    return name in task.entries() or name in framework_artifacts(task)


def value_of(task: StoredTask, name: str) -> object:
    """Return the value of an artifact.

    Raises
    ------
    KeyError
        There is none of this name.
    BlobCorrupted, StepwellDataMissing, UntrustedData, DataException
        It is not as it was written, or is gone, or may not be loaded.
    """
    entry = task.entries().get(name)
    if entry is not None:
        return task.run.connection.stores.datastore.load(task.key.flow, entry)
    return framework_artifacts(task)[name]()


def size_and_digest(task: StoredTask, name: str) -> tuple[int, bytes]:
    """Return size and hash of the serialized value of an artifact.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    entry = task.entries().get(name)
    if entry is not None:
        return entry.size, entry.digest
    data = bytes_of(task, name)
    return len(data), digest_of([data])


def bytes_of(task: StoredTask, name: str) -> bytes:
    """Return the serialized value of an artifact; nothing is loaded.

    Raises
    ------
    KeyError
        There is none of this name.
    BlobCorrupted, StepwellDataMissing
        It is not as it was written, or is gone.
    """
    entry = task.entries().get(name)
    if entry is not None:
        return bytes(task.run.connection.stores.datastore.stored(task.key.flow, entry))
    return pickle.dumps(framework_artifacts(task)[name](), protocol=5)


def preview_of(task: StoredTask, name: str) -> str:
    """Return a short text that shows the value of an artifact; nothing is loaded.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    entry, pack = task.entries().get(name), task.pack()
    if entry is None or pack is None:
        return preview(framework_artifacts(task)[name]())
    return stored_preview(task.run.connection.stores.datastore, pack, entry)


def type_of(task: StoredTask, name: str) -> str:
    """Return the dotted name of the class of an artifact; nothing is loaded.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    entry = task.entries().get(name)
    return type_name(framework_artifacts(task)[name]()) if entry is None else entry.type


def exception_of(task: StoredTask) -> object:
    """Return what a failed attempt raised; for one that died without a word, what is known of its end."""
    if task.successful or not task.finished:
        return None
    if "_exception" in task.entries():
        try:
            return value_of(task, "_exception")
        except UntrustedData:
            return _exception_in_words(task)
    pack = task.pack()
    error = task.record().error if pack is None or pack.outcome.error is None else brief(pack.outcome.error)
    return StepwellExceptionWrapper(TaskError(error)) if error else None


def _exception_in_words(task: StoredTask) -> StepwellExceptionWrapper | None:
    """Make the wrapper of what the pack says of the exception: it has the same texts."""
    pack = task.pack()
    error = None if pack is None else pack.outcome.error
    if error is None:
        return None
    kind = error.type if "." in error.type else f"builtins.{error.type}"
    return StepwellExceptionWrapper.of_text(error.message, kind, error.full_frames or None)
