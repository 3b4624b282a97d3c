"""`Config`: values that are read before a flow is checked, for decorators, parameters and steps alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from stepwell.definition.config_expression import ConfigExpr, ConfigScope
from stepwell.exceptions import FlowError

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec

Parser = Callable[[str], object] | str


class Config(ConfigExpr):
    """A configuration of a flow: ``self.<attribute>`` in every step, and usable in the class body.

    It is given by ``--config NAME PATH`` or ``--config-value NAME TEXT`` before the command, and read before
    decorators and parameters are looked at. In their arguments write ``config.a.b``, ``config["a"]``,
    ``**config.part`` or `config_expr`. All tasks of a run see the values that the run began with.

    Parameters
    ----------
    name
        Name on the command line; the attribute's name if left out. ``-`` and ``_`` are alike.
    default
        Path of a file that is read when no other is given, or a function of one argument that returns one.
    default_value
        Text or a dictionary that is taken when nothing is given, or a function that returns one.
    help
        What the configuration is for.
    required
        Whether a command without a value is refused. A default makes it void.
    parser
        Function of the text, or its dotted name; ``".name"`` means one that comes with Stepwell. JSON is
        read if it is left out. The result is a mapping.
    plain
        Take any value as it is; without a parser, the text itself.
    show_default
        Whether the flow's help shows the default, or the text to show in its place.
    type
        A dataclass or msgspec Struct that the values are checked against, and that steps see.

    Examples
    --------
    >>> class Train(FlowSpec):
    ...     cfg = Config("cfg", default="train.json")
    ...
    ...     @retry(times=cfg.retries)
    ...     @step
    ...     def start(self):
    ...         print(self.cfg.model.depth)
    """

    if TYPE_CHECKING:
        # Any, so that what is read of it is right in the user's code.
        def __new__(  # noqa: PLR0913 - one for each thing there is to say
            cls,
            name: str | None = None,
            default: str | Callable[..., str] | None = None,
            default_value: object = None,
            help: str | None = None,
            required: bool | None = None,
            parser: Parser | None = None,
            plain: bool = False,
            show_default: bool | str | None = None,
            type: object = None,
        ) -> Any: ...

    def __init__(  # noqa: PLR0913 - as above
        self,
        name: str | None = None,
        default: str | Callable[..., str] | None = None,
        default_value: object = None,
        help: str | None = None,
        required: bool | None = None,
        parser: Parser | None = None,
        plain: bool = False,
        show_default: bool | str | None = None,
        type: object = None,
    ) -> None:
        super().__init__(name or "config", lambda scope: scope.configs[self._declared.attribute])
        self._declared = Declared(
            name=name or "",
            default=default,
            default_value=default_value,
            help=help or "",
            required=bool(required) and default is None and default_value is None,
            parser=parser,
            plain=plain,
            type=type,
            show_default=show_default,
        )

    def __set_name__(self, owner: object, attribute: str) -> None:
        del owner
        self._declared.attribute = self._text = attribute
        self._declared.name = self._declared.name or attribute

    def __get__(self, flow: FlowSpec | None, owner: Any) -> Any:
        # No __set__: once loaded, the value in the object's dictionary is found before this is asked.
        live: Any = None if flow is None else flow.__dict__.get("__live")
        if flow is None or live is None:
            return self
        attribute = self._declared.attribute
        value = flow.__dict__[attribute] = self._declared.seen(live.load(attribute))
        return value


def config_expr(expression: str) -> Any:
    """Return a value that is computed from configs once they are known.

    Parameters
    ----------
    expression
        A Python expression. It sees the flow's configs by their attributes, and the names of the module
        that defines the flow.

    Returns
    -------
    Any
        What may stand as an argument of a decorator, a `Parameter` or an `IncludeFile` of the flow.

    Examples
    --------
    >>> @retry(times=config_expr("cfg.retries + 1"))
    ... @step
    ... def fetch(self): ...
    """
    if not isinstance(expression, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users may write anything
        raise FlowError(f"config_expr takes an expression as text, not {expression!r}.")
    try:
        code = compile(expression.strip(), "<config_expr>", "eval")
    except (SyntaxError, ValueError) as error:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise FlowError(f"config_expr({expression!r}) is no Python expression: {message}.") from None

    def compute(scope: ConfigScope) -> object:
        return eval(code, {**scope.module, **scope.configs})

    return ConfigExpr(expression.strip(), compute)


class Declared(Struct, kw_only=True, eq=False):
    """What a `Config` says of itself, in a place of its own: a configuration may have any key."""

    name: str
    default: str | Callable[..., str] | None
    default_value: object
    help: str
    required: bool
    parser: Parser | None
    plain: bool
    type: object
    show_default: bool | str | None
    attribute: str = ""

    @property
    def key(self) -> str:
        """The name as it is compared."""
        return self.name.replace("-", "_").lower()

    @property
    def told(self) -> str:
        """What help says of it."""
        default = self.default_value if self.default is None else self.default
        notes = [f"default: {'computed' if callable(default) else default}"] if default is not None else []
        if isinstance(self.show_default, str):
            notes = [f"default: {self.show_default}"]
        elif self.show_default is False:
            notes = []
        said = [self.help] if self.help else []
        return "  ".join(
            [*said, *(f"[{note}]" for note in [*notes, *(["required"] if self.required else [])])]
        )

    def seen(self, stored: object) -> object:
        """Return what steps and expressions see of a stored value.

        Raises
        ------
        ValueError
            It does not fit the type.
        """
        if stored is None or self.plain:
            return stored
        if self.type is not None:
            from msgspec import ValidationError, convert  # only configs with a type need it

            try:
                return convert(stored, cast("Any", self.type))
            except ValidationError as error:
                raise ValueError(str(error)) from None
        from stepwell.definition.config_value import ConfigValue  # a public name with a module of its own

        return ConfigValue(cast("Mapping[str, Any]", stored))


def declared(config: Config) -> Declared:
    """Return what a config says of itself."""
    return config._declared  # pyright: ignore[reportPrivateUsage] - any other name could be a key of it


def configs_of(flow_class: type) -> tuple[Declared, ...]:
    """Return the configs of a class in the order of the source; those of base classes first."""
    found: dict[str, Declared] = {}
    for owner in reversed(flow_class.__mro__):
        for name, value in vars(owner).items():
            if isinstance(value, Config):
                found[name] = declared(value)
            elif name in found:
                del found[name]
    return tuple(found.values())


def scope_of(flow_class: type, stored: Mapping[str, object]) -> ConfigScope:
    """Return what expressions of a flow see, given the stored values of its configs."""
    seen = {one.attribute: one.seen(stored.get(one.attribute)) for one in configs_of(flow_class)}
    module = sys.modules.get(flow_class.__module__)
    return ConfigScope(seen, {} if module is None else vars(module))
