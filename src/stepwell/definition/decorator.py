"""What step and flow decorators are: names with checked attributes that write policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from stepwell.definition.config_expression import ConfigScope, evaluated, is_delayed
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import StepPolicy

if TYPE_CHECKING:
    from stepwell.definition.graph import Node


class Decorator:
    """What both kinds share.

    Attributes
    ----------
    name
        What users write after ``@``.
    defaults
        Every attribute there is, with the value it has when it is left out.
    repeatable
        Whether it may stand several times on one step or flow.
    attributes
        The attributes of this one, defaults filled in.
    is_delayed
        Whether attributes are expressions over configs: nothing is checked until they are computed.
    statically_defined
        Whether it stands in the source, or was inserted by what stands there.
    inserted_by
        The mutators that it comes from, the one that inserted it first; empty if it is from elsewhere.
    """

    name: str
    defaults: ClassVar[Mapping[str, object]] = {}
    repeatable: ClassVar[bool] = False
    inserted_by: tuple[str, ...] = ()

    def __init__(self, attributes: Mapping[str, object], statically_defined: bool = True) -> None:
        self.statically_defined = statically_defined
        self._given = dict(attributes)
        self.is_delayed: bool = is_delayed(self._given)
        self.attributes: dict[str, object] = {**self.defaults, **attributes}
        if self.is_delayed:
            return
        for given in attributes:
            if given not in self.defaults:
                near = did_you_mean(given, self.defaults)
                known = listed(self.defaults) or "none"
                raise InvalidDecoratorAttribute(
                    f"@{self.name} has no attribute `{given}`. {near} The attributes are: {known}.".replace(
                        "  ", " "
                    )
                )
        self.check()

    def with_configs(self, scope: ConfigScope) -> Self:
        """Return the decorator with its expressions over configs computed.

        Raises
        ------
        FlowError
            One cannot be computed, or what comes out of it cannot be used.
        """
        if not self.is_delayed:
            return self
        ready: dict[str, object] = {}
        for attribute, value in self._given.items():
            # As a dictionary: `**config.part` stands for several attributes.
            ready |= evaluated({attribute: value}, scope, f"@{self.name}: `{attribute}`")
        computed = type(self)(ready, self.statically_defined)
        computed.inserted_by = self.inserted_by
        return computed

    @property
    def qualified_name(self) -> str:
        """Where its class is: the dotted name."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def given(self) -> tuple[list[object], dict[str, object]]:
        """Return its arguments, those without names and those with."""
        return [], dict(self.attributes)

    def check(self) -> None:
        """Raise `InvalidDecoratorAttribute` if a value cannot be used."""

    def number(self, attribute: str) -> float | None:
        """Return an attribute that is a number, possibly as text; None if it is not given."""
        value = self.attributes[attribute]
        if value is None:
            return None
        try:
            number = float(value) if isinstance(value, int | float | str) else None
        except ValueError:
            number = None
        if number is None or not 0 <= number < float("inf"):
            raise InvalidDecoratorAttribute(
                f"@{self.name}: `{attribute}` must be a number that is not negative, but it is {value!r}."
            )
        return number


class StepDecorator(Decorator):
    """A decorator of steps.

    Attributes
    ----------
    layer
        What wraps the step at run time; None if nothing does.
    """

    layer: Any = None

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        """Return the policy with what this decorator asks for added, whatever the order of decorators."""
        return policy

    def refusals(self, node: Node) -> Iterator[str]:
        """Say, for each reason why it cannot stand on this step, what it is."""
        del node
        yield from ()


class FlowDecorator(Decorator):
    """A decorator of flows."""
