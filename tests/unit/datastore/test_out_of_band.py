"""Values whose own pickles copy their buffers are mapped back like arrays."""

from datetime import datetime

import numpy as np
import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.storages.local import LocalStorage

ROWS = 100_000


@pytest.fixture
def local(tmp_path):
    return Datastore(LocalStorage(tmp_path / "root"))


def mapped_from(array):
    """Whether the memory of an array is a file of the datastore."""
    at = array.__array_interface__["data"][0]
    with open("/proc/self/maps") as lines:
        for line in lines:
            begin, end = (int(text, 16) for text in line.split(" ", 1)[0].split("-"))
            if begin <= at < end:
                return "/blobs/" in line
    return False


# SPEC 12.2-3
def test_a_polars_frame_is_mapped_and_passed_on_unchanged(local):
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = pl.DataFrame({"a": np.arange(ROWS), "b": np.arange(ROWS) / 2})

    entry = local.save("frame", {"frame": frame, "series": frame["b"]})
    loaded = local.load("Flow", entry)

    assert loaded["frame"].equals(frame) and loaded["series"].equals(frame["b"])
    assert mapped_from(loaded["frame"]["a"].to_numpy()) and mapped_from(loaded["series"].to_numpy())
    assert local.resave("frame", loaded, entry, loaded) is entry


MAKERS = {
    "text": lambda pl: pl.Series("x", ["one", None] * (ROWS // 2)),
    "Categorical": lambda pl: MAKERS["text"](pl).cast(pl.Categorical),
    "Enum": lambda pl: MAKERS["text"](pl).cast(pl.Enum(["one", "two"])),
    "Datetime": lambda pl: pl.Series("x", [datetime(2024, 2, 29)] * ROWS).dt.replace_time_zone("UTC"),
    "List": lambda pl: pl.Series("x", [[1, 2], None] * (ROWS // 2)),
    "Struct": lambda pl: pl.Series("x", [{"a": 1, "b": "c"}] * ROWS),
    "Int128": lambda pl: pl.Series("x", [2**100] * ROWS, dtype=pl.Int128),
    "few": lambda pl: pl.Series("x", [1, 2]),
    "part": lambda pl: pl.Series("x", range(ROWS)).slice(7, ROWS // 10),
}


# SPEC 12.2-3
@pytest.mark.parametrize("kind", MAKERS)
def test_a_polars_series_of_any_type_comes_back_as_it_was(local, kind):
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    series = MAKERS[kind](pl)

    entry = local.save("series", series)
    loaded = local.load("Flow", entry)

    assert loaded.dtype == series.dtype and loaded.equals(series)
    if kind == "part":
        assert entry.size < 2 * series.estimated_size()  # not all of what it was cut from


# SPEC 12.2-3
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool"])
def test_a_torch_tensor_is_mapped_and_writable(local, dtype):
    torch = pytest.importorskip("torch")
    tensor = torch.zeros((ROWS, 4), dtype=getattr(torch, dtype))

    loaded = local.load("Flow", local.save("weights", {"weights": tensor}))["weights"]
    loaded[0, 0] = 1

    assert loaded.dtype == tensor.dtype and loaded.shape == tensor.shape and not loaded[1:].any()
    assert mapped_from(loaded.view(torch.uint8).numpy())
