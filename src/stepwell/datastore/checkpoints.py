"""Checkpoints in a datastore: the bytes as blobs, a manifest for each checkpoint, and who is the latest.

A checkpoint is there once its manifest is: whole or not at all. Nothing is listed to find the latest one,
which is written down where it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore import layout
from stepwell.datastore.blobs import Blobs
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.datastore.storage import Storage
from stepwell.exceptions import DataException, StepwellDataMissing
from stepwell.model.checkpoint import Checkpoint, KeptFile
from stepwell.model.ids import TaskKey

CHUNK = 16 * 1024 * 1024
"""Files are stored in pieces of this size, so that of a long one only what has changed is stored again."""


class _Manifest(Struct, frozen=True):
    checkpoint: Checkpoint
    files: tuple[KeptFile, ...]


_encode = msgspec.msgpack.Encoder().encode
_manifest = msgspec.msgpack.Decoder(_Manifest)
_checkpoint = msgspec.msgpack.Decoder(Checkpoint)


class Checkpoints:
    """The checkpoints of one datastore."""

    def __init__(self, storage: Storage, blobs: Blobs, reused: ReusedTasks) -> None:
        self._storage = storage
        self._blobs = blobs
        self._reused = reused

    def keep(self, stream: BinaryIO) -> tuple[int, tuple[bytes, ...]]:
        """Store what a stream gives, unless it is stored already; return size and digests of the pieces."""
        size, chunks = 0, list[bytes]()
        while data := stream.read(CHUNK):
            # Bytes of our own: a file may change while it is read, and a mapped one even while it is hashed.
            chunks.append(self._blobs.put([data], len(data)))
            size += len(data)
        return size, tuple(chunks)

    def save(
        self, checkpoint: Checkpoint, files: Sequence[KeptFile], namespaces: Sequence[str]
    ) -> Checkpoint:
        """Write a checkpoint whose files are kept by now; return it with its number.

        Parameters
        ----------
        namespaces
            In which it is the latest of its step and index from now on, if it is to be the latest.
        """
        while not self._storage.write(_place(checkpoint), [_encode(_Manifest(checkpoint, tuple(files)))]):
            # Another process of the task was quicker.
            checkpoint = replace(checkpoint, number=checkpoint.number + 1)
        if checkpoint.latest:
            data = _encode(checkpoint)
            flow, step, index = checkpoint.flow, checkpoint.step, checkpoint.index_path
            self._storage.replace(layout.latest_of_run_key(flow, checkpoint.run, step, index), data)
            for namespace in namespaces:
                self._storage.replace(layout.latest_of_namespace_key(flow, step, namespace, index), data)
        return checkpoint

    def files(self, checkpoint: Checkpoint) -> tuple[KeptFile, ...]:
        """Return the files of a checkpoint.

        Raises
        ------
        StepwellDataMissing, DataException
        """
        key = _place(checkpoint)
        data = self._storage.read(key)
        if data is None:
            raise StepwellDataMissing(f"{described(checkpoint)} is not in {self._storage.location}.")
        found = self._opened(data, key)
        return found.files

    def content(self, checkpoint: Checkpoint, file: KeptFile) -> Iterator[memoryview]:
        """Yield the bytes of a file.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
        """
        for chunk in file.chunks:
            yield self._blobs.get(chunk, -1, lambda: f"The file {file.path} of {described(checkpoint)}")

    def latest_of_run(self, flow: str, run: str, step: str, index_path: str) -> Checkpoint | None:
        """Return the latest of a step and index in a run."""
        return self._latest(layout.latest_of_run_key(flow, run, step, index_path))

    def latest_of_namespace(self, flow: str, step: str, namespace: str, index_path: str) -> Checkpoint | None:
        """Return the latest of a step and index in all runs of a namespace."""
        return self._latest(layout.latest_of_namespace_key(flow, step, namespace, index_path))

    def of_task(self, key: TaskKey) -> list[Checkpoint]:
        """Return all that a task has saved, the newest first; a damaged one is left out."""
        key = self._reused.origin_of(key) or key
        found: list[Checkpoint] = []
        for name in self._storage.list(layout.checkpoints_folder(key)):
            data = self._storage.read(name)
            try:
                if data is not None:
                    found.append(self._opened(data, name).checkpoint)
            except DataException:
                continue
        return sorted(found, key=lambda one: (one.attempt, one.number), reverse=True)

    def blobs_of_run(self, flow: str, run: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield what a run's checkpoints keep in blobs: in words, whose it is, and the digest. For tools.

        The digest is empty for a checkpoint that is damaged itself.
        """
        for name in self._storage.list(layout.checkpoints_of_run_folder(flow, run)):
            data = self._storage.read(name)
            try:
                if data is not None:
                    found = self._opened(data, name)
                    for file in found.files:
                        what = f"the file {file.path} of {described(found.checkpoint)}"
                        for chunk in file.chunks:
                            yield what, found.checkpoint.pathspec, chunk
            except DataException:
                yield f"the checkpoint {name}", layout.task_of(name), b""

    def digests_at(self, key: str) -> Iterator[bytes]:
        """Yield the digests of what a checkpoint keeps in blobs; none if it is damaged. For tools."""
        data = self._storage.read(key)
        try:
            files = () if data is None else self._opened(data, key).files
        except DataException:
            return
        for file in files:
            yield from file.chunks

    def _opened(self, data: bytes, key: str) -> _Manifest:
        try:
            return _manifest.decode(data)
        except msgspec.MsgspecError as error:
            raise DataException(
                f"The checkpoint {key} in {self._storage.location} is damaged: {error}"
            ) from error

    def _latest(self, key: str) -> Checkpoint | None:
        data = self._storage.read(key)
        try:
            found = None if data is None else _checkpoint.decode(data)
        except msgspec.MsgspecError:
            return None  # it is written anew with the next checkpoint
        # What says which is the latest outlives the run that has saved it.
        return found if found is not None and self._storage.size(_place(found)) is not None else None


def _place(checkpoint: Checkpoint) -> str:
    return layout.checkpoint_key(checkpoint.key, checkpoint.attempt, checkpoint.number)


def described(checkpoint: Checkpoint) -> str:
    """Say which checkpoint it is."""
    place = f"attempt {checkpoint.attempt} of {checkpoint.pathspec}"
    return f"the checkpoint {checkpoint.name!r} (number {checkpoint.number} of {place})"
