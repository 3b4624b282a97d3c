"""The files of a checkpoint on the local disk: read from a folder, and written to one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from stepwell.datastore.checkpoints import Checkpoints, described
from stepwell.exceptions import DataException
from stepwell.model.checkpoint import Checkpoint, KeptFile


def kept_files(store: Checkpoints, path: Path) -> list[KeptFile]:
    """Store a file, or all that a folder has; return what was stored.

    Raises
    ------
    DataException
        There is no such file, or it is none that can be stored.
    """
    if not path.is_dir():
        return [_kept(store, path, path.name)]
    return [_kept(store, path / name, name) for name in _names(path)]


def _names(folder: Path) -> Iterator[str]:
    """Yield what is in a folder, in the folders of it, and which folders are empty."""
    for root, folders, files in os.walk(folder):
        inside = os.path.relpath(root, folder)
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]  # noqa: PTH114, PTH118
        for name in sorted((*files, *links)):
            yield os.path.normpath(os.path.join(inside, name))  # noqa: PTH118
        if not folders and not files and inside != ".":
            yield inside


def _kept(store: Checkpoints, path: Path, name: str) -> KeptFile:
    name = PurePosixPath(*Path(name).parts).as_posix()
    try:
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode):
            return KeptFile(name, link=os.readlink(path))  # noqa: PTH115
        if stat.S_ISDIR(state.st_mode):
            return KeptFile(name, stat.S_IMODE(state.st_mode), is_folder=True)
        if not stat.S_ISREG(state.st_mode):
            raise DataException(f"{path} cannot be saved in a checkpoint: it is no file, folder or link.")
        with open(path, "rb", buffering=0) as stream:
            size, chunks = store.keep(stream)
    except OSError as error:
        raise DataException(f"{path} cannot be saved in a checkpoint: {error.strerror}.") from error
    return KeptFile(name, stat.S_IMODE(state.st_mode), size, chunks)


def put_files(store: Checkpoints, checkpoint: Checkpoint, folder: Path) -> None:
    """Write the files of a checkpoint into a folder, each whole; others that are there stay.

    Raises
    ------
    DataException, BlobCorrupted, StepwellDataMissing
        The checkpoint is damaged, or has files that would lie outside of the folder.
    """
    files = store.files(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    # Links come last, so that no file is written through one.
    for file in sorted(files, key=lambda one: one.link is not None):
        place = _place(checkpoint, file, folder)
        if file.is_folder:
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(f".{place.name[:200]}.{os.getpid()}.part")
        if file.link is not None:
            aside.symlink_to(file.link)
        else:
            with open(aside, "wb") as stream:
                for data in store.content(checkpoint, file):
                    stream.write(data)
            aside.chmod(file.mode)
        aside.replace(place)


def _place(checkpoint: Checkpoint, file: KeptFile, folder: Path) -> Path:
    parts = PurePosixPath(file.path)
    place = folder / parts
    is_inside = not parts.is_absolute() and ".." not in parts.parts
    # Whoever wrote the datastore must not decide what is written elsewhere.
    if not is_inside or not place.parent.resolve().is_relative_to(folder.resolve()):
        raise DataException(f"{described(checkpoint)} has a file that lies outside of it: {file.path!r}.")
    return place
