"""Values whose own pickles copy their buffers: pickled so that these stay out of band, to be mapped back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Reduced = str | tuple[Any, ...]

# Smaller values are pickled as they would be without us.
_FROM = 16 * 1024


def reducers() -> dict[type, Callable[[Any], Reduced]]:
    """Return how values of classes are pickled, of packages that this process has imported."""
    found: dict[type, Callable[[Any], Reduced]] = {}
    polars: Any = sys.modules.get("polars")
    torch: Any = sys.modules.get("torch")
    if hasattr(polars, "DataFrame") and hasattr(polars, "Series"):
        found |= {polars.DataFrame: _reduce_frame, polars.Series: _reduce_series}
    if hasattr(torch, "Tensor"):
        found[torch.Tensor] = _reduce_tensor
    return found


def _reduce_frame(frame: Any) -> Reduced:
    table = _arrow_of(frame)
    return frame.__reduce_ex__(5) if table is None else (frame_of, (table,))


def _reduce_series(series: Any) -> Reduced:
    table = _arrow_of(series.to_frame())
    return series.__reduce_ex__(5) if table is None else (series_of, (table,))


def frame_of(table: Any) -> Any:
    """Return the Polars frame of an Arrow table, whose buffers it keeps."""
    return import_module("polars").from_arrow(table, rechunk=False)


def series_of(table: Any) -> Any:
    """Return the Polars series that is the only column of an Arrow table."""
    return frame_of(table).to_series()


def _arrow_of(frame: Any) -> Any:
    """Return the frame as an Arrow table without copying it; None if that cannot be, or is not worth it."""
    polars = import_module("polars")
    if frame.estimated_size() < _FROM or polars.Object in frame.dtypes or find_spec("pyarrow") is None:
        return None
    table = frame.to_arrow(compat_level=polars.CompatLevel.newest())
    # The pickle of a slice would have all of what it was cut from.
    is_whole = table.get_total_buffer_size() < 2 * frame.estimated_size()
    return table if is_whole and frame_of(table).schema == frame.schema else None


def _reduce_tensor(tensor: Any) -> Reduced:
    is_plain = (
        tensor.device.type == "cpu"
        and str(tensor.layout) == "torch.strided"
        and tensor.nbytes >= _FROM
        and tensor.is_contiguous()
        and not (tensor.requires_grad or tensor.is_quantized or tensor.is_conj() or tensor.is_neg())
        and not tensor.__dict__
    )
    if not is_plain:
        return tensor.__reduce_ex__(5)
    # As bytes, for NumPy does not know every type of element.
    return tensor_of, (
        tensor.reshape(-1).view(import_module("torch").uint8).numpy(),
        tensor.dtype,
        tuple(tensor.shape),
    )


def tensor_of(data: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return the PyTorch tensor of an array of bytes, whose buffer it keeps."""
    return import_module("torch").from_numpy(data).view(dtype).reshape(shape)
