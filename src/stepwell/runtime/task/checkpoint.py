"""``current.checkpoint``: what a step sets aside while it runs, for itself to go on from later."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec

from stepwell.datastore.checkpoints import Checkpoints, described
from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import BlobCorrupted, DataException, StepwellDataMissing
from stepwell.model.checkpoint import Checkpoint
from stepwell.model.ids import TaskKey
from stepwell.model.policy import LoadPolicy
from stepwell.model.run import RunInfo
from stepwell.runtime.task.checkpoint_files import kept_files, put_files
from stepwell.runtime.task.own_words import say
from stepwell.runtime.task.scratch import scratch_folder

DEFAULT_NAME = "checkpoint"
_LOST = (DataException, BlobCorrupted, StepwellDataMissing)


class TaskCheckpoint:
    """The checkpoints of the task that runs. Reads nothing and makes nothing until it is used.

    Parameters
    ----------
    index_path
        Where the task stands in nested foreach splits.
    load_policy
        What is loaded before the step sees the directory.
    """

    def __init__(
        self,
        datastore: Datastore,
        info: RunInfo,
        key: TaskKey,
        attempt: int,
        index_path: tuple[int, ...],
        load_policy: LoadPolicy,
    ) -> None:
        self._datastore = datastore
        self._store: Checkpoints = datastore.checkpoints()
        self._info = info
        self._key = key
        self._attempt = attempt
        self._index_path = ",".join(map(str, index_path))
        self._load_policy = load_policy
        self._lock = RLock()
        self._folder: Path | None = None
        self._loaded: Checkpoint | None = None
        self._count = 0

    @property
    def directory(self) -> str:
        """A folder of this attempt for what is to be saved; it begins with the files of `loaded`."""
        return str(self._opened())

    @property
    def is_loaded(self) -> bool:
        """Whether there was a checkpoint to go on from; its files are in `directory`."""
        self._opened()
        return self._loaded is not None

    @property
    def loaded(self) -> Checkpoint | None:
        """The checkpoint that was loaded before the step began; None if there was none."""
        self._opened()
        return self._loaded

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        name: str = DEFAULT_NAME,
        metadata: Mapping[str, object] | None = None,
        latest: bool = True,
    ) -> Checkpoint:
        """Set files aside, so that a later attempt, or another task, can load them.

        The checkpoint is there whole or not at all, and can be read from then on. Of files that were saved
        before, only what has changed is stored.

        Parameters
        ----------
        path
            A file or a folder; `directory` unless given.
        metadata
            What JSON can hold, kept with it.
        latest
            Whether it is what a later attempt goes on from.

        Raises
        ------
        DataException
            There is no such file, or it cannot be stored.
        """
        if not name or not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users' code
            raise DataException(f"The name of a checkpoint must be a text, not {name!r}.")
        known = _as_json(metadata or {})
        files = kept_files(self._store, self._opened() if path is None else Path(path))
        with self._lock:
            made = Checkpoint(
                flow=self._key.flow,
                run=self._key.run,
                step=self._key.step,
                task=self._key.task,
                attempt=self._attempt,
                number=self._count,
                name=name,
                metadata=known,
                latest=latest,
                index_path=self._index_path,
                created_at=time.time(),
                size=sum(file.size for file in files),
            )
            saved = self._store.save(made, files, self._namespaces())
            self._count = saved.number + 1
        return saved

    def load(self, ref: Checkpoint, path: str | os.PathLike[str] | None = None) -> str:
        """Write the files of a checkpoint to a folder; return the folder.

        Parameters
        ----------
        ref
            What `save` or `list` returned, here or in another task.
        path
            The folder, in which other files stay; `directory` unless given, which then has these files only.

        Raises
        ------
        DataException, BlobCorrupted, StepwellDataMissing
            It is no checkpoint, or is damaged.
        """
        if not isinstance(ref, Checkpoint):  # pyright: ignore[reportUnnecessaryIsInstance] - users' code
            raise DataException(f"`load` takes what `save` or `list` returned, not {ref!r}.")
        folder = self._opened() if path is None else Path(path)
        if path is None:
            _empty(folder)
        put_files(self._store, ref, folder)
        return str(folder)

    def list(
        self, name: str | None = None, task: object = None, attempt: int | None = None
    ) -> list[Checkpoint]:
        """Return checkpoints, the newest first.

        Parameters
        ----------
        name
            Only those of this name.
        task
            Of another task: the client's object, or its ``FLOW/RUN/STEP/TASK``. It may still run.
        attempt
            Only those that this attempt has saved.
        """
        found = self._store.of_task(self._key if task is None else _key_of(task))
        return [
            one
            for one in found
            if (name is None or one.name == name) and (attempt is None or one.attempt == attempt)
        ]

    def close(self) -> None:
        """Remove the directory."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _opened(self) -> Path:
        """Make the directory, and load what the policy says, the first time."""
        with self._lock:
            if self._folder is None:
                folder = scratch_folder("checkpoint")
                self._loaded = self._load_first(folder)
                self._folder = folder
            return self._folder

    def _load_first(self, folder: Path) -> Checkpoint | None:
        for candidate in self._candidates():
            try:
                put_files(self._store, candidate, folder)
            except _LOST as error:
                say(f"{described(candidate)} is passed over: {error}\n")
                _empty(folder)
            else:
                return candidate
        return None

    def _candidates(self) -> Iterator[Checkpoint]:
        """Yield the checkpoint to go on from; then, should it be damaged, what its task had saved before."""
        latest = self._latest()
        if latest is not None:
            yield latest
            place = (latest.attempt, latest.number)
            for older in self._store.of_task(latest.key):
                if older.latest and (older.attempt, older.number) < place:
                    yield older

    def _latest(self) -> Checkpoint | None:
        flow, step = self._key.flow, self._key.step
        if self._load_policy == "eager":
            return self._store.latest_of_namespace(flow, step, self._info.namespace or "", self._index_path)
        if self._load_policy != "fresh":
            return None
        own = self._store.latest_of_run(flow, self._key.run, step, self._index_path)
        if own is not None:
            return own if own.key == self._key else None
        return self._latest_of_origin()

    def _latest_of_origin(self) -> Checkpoint | None:
        """Return what the task had saved in the run that this one resumes, unless it had succeeded there."""
        origin = self._info.origin_run
        if origin is None:
            return None
        found = self._store.latest_of_run(self._key.flow, origin, self._key.step, self._index_path)
        return None if found is None or self._datastore.pack(found.key) is not None else found

    def _namespaces(self) -> list[str]:
        """Return the namespaces that the run belongs to; empty is the global one."""
        info = self._info
        return sorted({"", f"user:{info.user}", info.namespace or "", *info.tags})


def _key_of(task: object) -> TaskKey:
    pathspec = str(getattr(task, "pathspec", task))
    parts = pathspec.split("/")
    if len(parts) != 4 or not all(parts):
        raise DataException(f"`task` must be a task, or its FLOW/RUN/STEP/TASK, not {pathspec!r}.")
    return TaskKey(*parts)


def _as_json(metadata: Mapping[str, object]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(msgspec.json.encode(dict(metadata)), type=dict[str, Any])
    except (TypeError, ValueError) as error:
        raise DataException(f"The `metadata` of a checkpoint must be what JSON can hold: {error}.") from None


def _empty(folder: Path) -> None:
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
