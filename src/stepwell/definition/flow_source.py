"""`FlowSource`: how an interpreter that is started for tasks of a flow imports that flow once more."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

from msgspec import Struct

from stepwell.definition.flow_definition import FlowDefinition

# Not settings, so not `STEPWELL_...`: they go from one of our processes to another.
_VARIABLE = "_STEPWELL_TASK_FLOW_"
# No path and no decorator has this character, which variables of the environment may have.
_SEPARATOR = "\x1f"


class FlowSource(Struct, frozen=True, kw_only=True):
    """Where a flow comes from.

    Attributes
    ----------
    module
        Dotted name of its module if that belongs to a package, else empty: then the file is imported alone.
    path
        Where its package is looked for.
    with_specs
        Decorators that were attached from outside the source.
    without
        Names of decorators of the source that are not applied.
    """

    name: str
    file: str
    module: str = ""
    path: tuple[str, ...] = ()
    with_specs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def variables(self) -> dict[str, str]:
        """Return it as variables of an environment."""
        return {
            f"{_VARIABLE}NAME": self.name,
            f"{_VARIABLE}FILE": self.file,
            f"{_VARIABLE}MODULE": self.module,
            f"{_VARIABLE}PATH": _SEPARATOR.join(self.path),
            f"{_VARIABLE}WITH": _SEPARATOR.join(self.with_specs),
            f"{_VARIABLE}WITHOUT": _SEPARATOR.join(self.without),
        }


def source_of(definition: FlowDefinition) -> FlowSource:
    """Return where the flow comes from, as this process has imported it."""
    module = _package_module(definition.module)
    return FlowSource(
        name=definition.name,
        file=definition.file,
        module=module,
        path=tuple(map(os.path.abspath, sys.path)) if module else (),
        with_specs=definition.with_specs,
        without=definition.without,
    )


def _package_module(name: str) -> str:
    module = sys.modules.get(name)
    if getattr(module, "__package__", None) not in sys.modules:
        return ""
    # `python -m package.module` runs it under another name than the one that it is imported by.
    return name if name != "__main__" else str(getattr(getattr(module, "__spec__", None), "name", ""))


def take_source(environ: MutableMapping[str, str]) -> FlowSource:
    """Return what `FlowSource.variables` put into an environment, and take it out."""
    found: Mapping[str, str] = {
        name: environ.pop(_VARIABLE + name) for name in ("NAME", "FILE", "MODULE", "PATH", "WITH", "WITHOUT")
    }
    return FlowSource(
        name=found["NAME"],
        file=found["FILE"],
        module=found["MODULE"],
        path=_listed(found["PATH"]),
        with_specs=_listed(found["WITH"]),
        without=_listed(found["WITHOUT"]),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(_SEPARATOR)) if text else ()
