"""Every class of `stepwell.exceptions` again, with the ``Metaflow`` spelling of each ``Stepwell`` name.

``MetaflowException is StepwellException``: the same object, so that ``except`` and ``isinstance`` agree.
"""

from stepwell import exceptions as _exceptions
from stepwell.exceptions import *  # noqa: F403


def __getattr__(name: str) -> object:
    twin = f"Stepwell{name.removeprefix('Metaflow')}"
    if name.startswith("Metaflow") and hasattr(_exceptions, twin):
        return getattr(_exceptions, twin)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
