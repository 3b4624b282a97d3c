"""Is there a datastore? Whoever only reads makes none."""

from __future__ import annotations

from stepwell.datastore.format import is_datastore
from stepwell.datastore.run_records import RunRecords
from stepwell.datastore.storage import Storage
from stepwell.exceptions import StepwellNotFound, StoreFormatError


def must_exist(storage: Storage, has_index: bool = True) -> None:
    """Pass if the storage is a datastore whose results can be read.

    Parameters
    ----------
    has_index
        Whether its index is there.

    Raises
    ------
    StepwellNotFound
        Nothing is there, or nothing has run yet.
    StoreFormatError
        Something else is there, or the index of its runs was lost.
    """
    if is_datastore(storage):
        if has_index:
            return
        if any(True for _ in RunRecords(storage).all()):
            raise StoreFormatError(
                f"The index of {storage.location} is not there. `stepwell reindex` makes it anew."
            )
    raise StepwellNotFound(
        f"There is no datastore in {storage.location}. The first run of a flow makes one; results of another "
        "place are read with `--datastore-root DIRECTORY`, and in Python after `metadata(DIRECTORY)`."
    )
