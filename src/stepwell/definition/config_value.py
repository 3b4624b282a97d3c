"""`ConfigValue`: configuration as a dictionary that nobody can change, whose items read as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast


def _refuse(*_args: object, **_named: object) -> NoReturn:
    raise TypeError(
        "A configuration cannot be changed; `to_dict()` gives a dictionary that can, or assign what you "
        "compute from it to an artifact."
    )


class ConfigValue(dict[str, Any]):
    """A read-only dictionary whose items are attributes as well; so are those of mappings inside it.

    Parameters
    ----------
    values
        The items. Mappings in them, also in lists and tuples, become `ConfigValue`.

    Examples
    --------
    >>> ConfigValue({"model": {"depth": 3}}).model.depth
    3
    """

    def __init__(self, values: Mapping[str, Any] = {}) -> None:
        super().__init__({name: _frozen(value) for name, value in values.items()})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The configuration has no {name!r}; it has {sorted(self)}.") from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and tuples, which can be changed."""
        return {name: _plain(value) for name, value in self.items()}

    def copy(self) -> ConfigValue:
        """Return an equal value; like this one, it cannot be changed."""
        return ConfigValue(self)

    def __reduce__(self) -> tuple[object, ...]:
        return (ConfigValue, (self.to_dict(),))

    if not TYPE_CHECKING:  # type checkers would have each take what the dictionary's own takes
        __setitem__ = __delitem__ = __setattr__ = __delattr__ = __ior__ = _refuse
        pop = popitem = clear = update = setdefault = _refuse


def _frozen(value: object) -> object:
    if isinstance(value, Mapping):
        return ConfigValue(cast("Mapping[str, Any]", value))
    if type(value) in (list, tuple):
        items = cast("list[object]", value)
        return type(items)(_frozen(item) for item in items)
    return value


def _plain(value: object) -> object:
    if isinstance(value, ConfigValue):
        return value.to_dict()
    if type(value) in (list, tuple):
        items = cast("list[object]", value)
        return type(items)(_plain(item) for item in items)
    return value
