"""`FlowSource`: how an interpreter that is started for tasks of a flow imports that flow once more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, MutableMapping

from msgspec import Struct

from stepwell.definition.configs_given import NOTHING_GIVEN, ConfigsGiven
from stepwell.definition.flow_definition import FlowDefinition

# Not settings, so not `STEPWELL_...`: they go from one of our processes to another.
_VARIABLE = "_STEPWELL_TASK_FLOW_"
# No path and no decorator has this character, which variables of the environment may have.
_SEPARATOR = "\x1f"
# Linux takes no variable of more than 128 KiB.
_MOST_CHARACTERS = 100_000


class FlowSource(Struct, frozen=True, kw_only=True):
    """Where a flow comes from.

    Attributes
    ----------
    module
        Dotted name of its module if that belongs to a package, else empty: then the file is imported alone.
    path
        Where its package is looked for.
    with_specs
        Decorators that were attached from outside the source: to all steps, or to ``only`` one.
    without
        Names of decorators of the source that are not applied.
    configs
        Values of the flow's configs, pickled; empty if it has none.
    """

    name: str
    file: str
    module: str = ""
    path: tuple[str, ...] = ()
    with_specs: tuple[str, ...] = ()
    only: str = ""
    without: tuple[str, ...] = ()
    configs: bytes = b""

    def variables(self) -> dict[str, str]:
        """Return it as variables of an environment."""
        return {
            f"{_VARIABLE}NAME": self.name,
            f"{_VARIABLE}FILE": self.file,
            f"{_VARIABLE}MODULE": self.module,
            f"{_VARIABLE}PATH": _SEPARATOR.join(self.path),
            f"{_VARIABLE}WITH": _SEPARATOR.join(self.with_specs),
            f"{_VARIABLE}ONLY": self.only,
            f"{_VARIABLE}WITHOUT": _SEPARATOR.join(self.without),
            **self._config_variables(),
        }

    def given_configs(self) -> ConfigsGiven:
        """Return the values of configs. Call it once the flow is imported, which may define their classes."""
        if not self.configs:
            return NOTHING_GIVEN
        import pickle  # few flows have configs

        return ConfigsGiven(stored=pickle.loads(self.configs))  # from our own parent process

    def _config_variables(self) -> dict[str, str]:
        if not self.configs:
            return {}
        from base64 import b64encode  # few flows have configs

        text = b64encode(self.configs).decode()
        pieces = [text[start : start + _MOST_CHARACTERS] for start in range(0, len(text), _MOST_CHARACTERS)]
        return {f"{_VARIABLE}CONFIGS_{place}": piece for place, piece in enumerate(pieces)}


def source_of(definition: FlowDefinition) -> FlowSource:
    """Return where the flow comes from, as this process has imported it."""
    module = _package_module(definition.module)
    return FlowSource(
        name=definition.name,
        file=definition.file,
        module=module,
        path=tuple(map(os.path.abspath, sys.path)) if module else (),
        with_specs=definition.with_specs,
        only=definition.only,
        without=definition.without,
        configs=_pickled(definition.configs),
    )


def _pickled(configs: Mapping[str, object]) -> bytes:
    if not configs:
        return b""
    # Few flows have configs.
    import cloudpickle  # pyright: ignore[reportMissingTypeStubs]

    dumps: Callable[[object], bytes] = cloudpickle.dumps  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return dumps(dict(configs))


def _package_module(name: str) -> str:
    module = sys.modules.get(name)
    if getattr(module, "__package__", None) not in sys.modules:
        return ""
    # `python -m package.module` runs it under another name than the one that it is imported by.
    return name if name != "__main__" else str(getattr(getattr(module, "__spec__", None), "name", ""))


def take_source(environ: MutableMapping[str, str]) -> FlowSource:
    """Return what `FlowSource.variables` put into an environment, and take it out."""
    names = ("NAME", "FILE", "MODULE", "PATH", "WITH", "ONLY", "WITHOUT")
    found = {name: environ.pop(_VARIABLE + name) for name in names}
    return FlowSource(
        name=found["NAME"],
        file=found["FILE"],
        module=found["MODULE"],
        path=_listed(found["PATH"]),
        with_specs=_listed(found["WITH"]),
        only=found["ONLY"],
        without=_listed(found["WITHOUT"]),
        configs=_taken_configs(environ),
    )


def _taken_configs(environ: MutableMapping[str, str]) -> bytes:
    text = ""
    while piece := environ.pop(f"{_VARIABLE}CONFIGS_{len(text) // _MOST_CHARACTERS}", ""):
        text += piece
    if not text:
        return b""
    from base64 import b64decode  # few flows have configs

    return b64decode(text)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(_SEPARATOR)) if text else ()
