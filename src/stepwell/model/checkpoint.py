"""A checkpoint: files that a task has set aside while it ran."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from stepwell.model.ids import TaskKey


class Checkpoint(Struct, frozen=True, kw_only=True):
    """Stands for a checkpoint; its files lie in the datastore. May be stored as an artifact.

    Attributes
    ----------
    flow, run, step, task, attempt
        Who has saved it.
    number
        How many the attempt had saved before.
    name, metadata
        As they were given.
    latest
        Whether it was to be what a later attempt goes on from.
    index_path
        Indexes of the enclosing foreach items joined with commas, outermost first.
    created_at
        Unix time.
    size
        Bytes of its files.
    """

    flow: str
    run: str
    step: str
    task: str
    attempt: int
    number: int
    name: str
    metadata: dict[str, Any]
    latest: bool
    index_path: str
    created_at: float
    size: int

    @property
    def pathspec(self) -> str:
        """``FLOW/RUN/STEP/TASK`` of the task that has saved it."""
        return self.key.pathspec

    @property
    def key(self) -> TaskKey:
        """The same, in parts."""
        return TaskKey(self.flow, self.run, self.step, self.task)


class KeptFile(Struct, frozen=True, array_like=True):
    """A file of a checkpoint.

    Attributes
    ----------
    path
        Where it lies in the checkpoint, with slashes.
    chunks
        Digests of the blobs with its bytes.
    link
        What a symbolic link leads to; None for what is none.
    is_folder
        Whether it is a folder without files.
    """

    path: str
    mode: int = 0o600
    size: int = 0
    chunks: tuple[bytes, ...] = ()
    link: str | None = None
    is_folder: bool = False
