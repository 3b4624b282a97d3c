"""`MutableFlow` and `MutableStep`: a flow and its steps as mutators see and change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepwell.definition import changes
from stepwell.definition.changes import Spec
from stepwell.definition.decorator import FlowDecorator, StepDecorator
from stepwell.definition.named_decorators import flow_decorator_of, step_decorator_of
from stepwell.definition.own_decorator import OwnDecorator, is_mutator
from stepwell.definition.parameters import Parameter
from stepwell.exceptions import DuplicateFlowDecoratorException, DuplicateStepDecoratorException, FlowError

if TYPE_CHECKING:
    from stepwell.definition.draft import Draft


class MutableFlow:
    """A flow, for its mutators and those of its steps.

    Steps, parameters and configs are attributes of it.
    """

    IGNORE: int = changes.IGNORE
    ERROR: int = changes.ERROR
    OVERRIDE: int = changes.OVERRIDE

    def __init__(self, draft: Draft, author: OwnDecorator, is_early: bool) -> None:
        self._draft, self._author, self._is_early = draft, author, is_early

    @property
    def configs(self) -> Iterator[tuple[str, Any]]:
        """Name and value of each config."""
        return iter(tuple(self._draft.scope.configs.items()))

    @property
    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Name and declaration of each parameter; the name is the attribute's."""
        return iter(tuple(self._draft.parameters.items()))

    @property
    def steps(self) -> Iterator[tuple[str, MutableStep]]:
        """Name and object of each step."""
        return iter([(name, self._step(name)) for name in self._draft.steps])

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        """Each decorator's name, dotted name, and arguments without and with names."""
        return changes.specs_of(tuple(self._draft.flow_decorators))

    def has_decorator(self, name: str) -> bool:
        """Whether it has a decorator of this name; a name with a dot is the dotted one."""
        return bool(changes.matching(self._draft.flow_decorators, name))

    def get_decorator_specs(self, name: str) -> list[Spec]:
        """Return all there is of decorators of this name, as `decorator_specs` yields it."""
        return list(changes.specs_of(changes.matching(self._draft.flow_decorators, name)))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            draft = self._draft
            if name in draft.steps:
                return self._step(name)
            for known in (draft.parameters, draft.scope.configs):
                if name in known:
                    return known[name]
        raise AttributeError(f"the flow has no step, parameter or config {name!r}", name=name, obj=self)

    def add_parameter(self, name: str, param: Parameter, overwrite: bool = False) -> None:
        """Give the flow a parameter. Only in ``pre_mutate``.

        Parameters
        ----------
        name
            The attribute, as in the body of the class.
        overwrite
            Whether it may replace a parameter that there is.

        Raises
        ------
        FlowError
            It is no parameter, the name is taken, or it is too late.
        """
        self._early_only(f"adds the parameter {name!r}")
        if not isinstance(param, Parameter):  # pyright: ignore[reportUnnecessaryIsInstance] - users may give anything
            raise FlowError(f"add_parameter takes a Parameter or an IncludeFile, not {param!r}.")
        is_known = name in self._draft.parameters
        if is_known and not overwrite:
            raise FlowError(
                f"@{self._author.name} adds the parameter {name!r}, which there is already. With "
                "`overwrite=True` it is replaced."
            )
        if not is_known and not isinstance(getattr(self._draft.flow_class, name, None), Parameter | None):
            raise FlowError(
                f"@{self._author.name} adds the parameter {name!r}, but the flow's class has something else "
                "of that name. Take another one."
            )
        param.__set_name__(self._draft.flow_class, name)
        self._draft.parameters[name] = param.with_configs(self._draft.scope)

    def remove_parameter(self, name: str) -> bool:
        """Take the parameter of this name, as on the command line, from the flow. Only in ``pre_mutate``.

        Returns
        -------
        bool
            Whether there was one.
        """
        self._early_only(f"removes the parameter {name!r}")
        found = [one for one, param in self._draft.parameters.items() if param.name == name]
        for attribute in found:
            del self._draft.parameters[attribute]
        return bool(found)

    def add_decorator(
        self,
        deco_type: str | Callable[..., Any],
        deco_args: Sequence[Any] | None = None,
        deco_kwargs: Mapping[str, Any] | None = None,
        duplicates: int = changes.IGNORE,
    ) -> FlowDecorator | None:
        """Put a decorator or a mutator on the flow, as the outermost. Only in ``pre_mutate``.

        Parameters, result and errors are those of `MutableStep.add_decorator`.
        """
        new = flow_decorator_of(deco_type, tuple(deco_args or ()), dict(deco_kwargs or {}), self._draft.scope)
        self._early_only(f"adds @{new.name} to the flow")
        return changes.add(
            self._draft.flow_decorators,
            new.with_configs(self._draft.scope),
            self._author,
            duplicates,
            DuplicateFlowDecoratorException,
        )

    def remove_decorator(
        self,
        deco_name: str,
        deco_args: Sequence[Any] | None = None,
        deco_kwargs: Mapping[str, Any] | None = None,
    ) -> bool:
        """Take decorators of this name off the flow, those with these arguments if any are given.

        Only in ``pre_mutate``. Mutators cannot be removed: they are at work.

        Returns
        -------
        bool
            Whether there was any.
        """
        self._early_only(f"removes @{deco_name} from the flow")
        named = None if deco_kwargs is None else dict(deco_kwargs)
        found = changes.matching(self._draft.flow_decorators, deco_name, deco_args, named)
        for one in found:
            if isinstance(one, OwnDecorator):
                raise FlowError(
                    f"@{self._author.name} removes @{one.name}, but mutators of a flow are at work and "
                    "cannot be removed."
                )
            self._draft.flow_decorators.remove(one)
        return bool(found)

    def _step(self, name: str) -> MutableStep:
        return MutableStep(self._draft, name, self._author, self._is_early)

    def _early_only(self, what: str) -> None:
        if not self._is_early:
            raise FlowError(f"@{self._author.name} {what} too late. Do it in `pre_mutate`.")


class MutableStep:
    """A step, for the mutators of it and of its flow."""

    IGNORE: int = changes.IGNORE
    ERROR: int = changes.ERROR
    OVERRIDE: int = changes.OVERRIDE

    def __init__(self, draft: Draft, name: str, author: OwnDecorator, is_early: bool) -> None:
        self._draft, self._name, self._author, self._is_early = draft, name, author, is_early

    @property
    def name(self) -> str:
        """The step's name."""
        return self._name

    @property
    def flow(self) -> MutableFlow:
        """The flow that it belongs to."""
        return MutableFlow(self._draft, self._author, self._is_early)

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        """Each decorator's name, dotted name, and arguments without and with names."""
        return changes.specs_of(tuple(self._decorators))

    def has_decorator(self, name: str) -> bool:
        """Whether it has a decorator of this name; a name with a dot is the dotted one."""
        return bool(changes.matching(self._decorators, name))

    def get_decorator_specs(self, name: str) -> list[Spec]:
        """Return all there is of decorators of this name, as `decorator_specs` yields it."""
        return list(changes.specs_of(changes.matching(self._decorators, name)))

    def add_decorator(
        self,
        deco_type: str | Callable[..., Any],
        deco_args: Sequence[Any] | None = None,
        deco_kwargs: Mapping[str, Any] | None = None,
        duplicates: int = changes.IGNORE,
    ) -> StepDecorator | None:
        """Put a decorator on the step, as the outermost.

        Parameters
        ----------
        deco_type
            The decorator, or its name, or a text such as ``"retry:times=3"``.
        deco_args, deco_kwargs
            Its arguments without and with names.
        duplicates
            What is done if it is there already: ``IGNORE`` keeps that one, ``OVERRIDE`` replaces it, and
            ``ERROR`` complains if the mutator stands in the source.

        Returns
        -------
        StepDecorator or None
            What was added; None if one that was there is kept.

        Raises
        ------
        FlowError
            There is no such decorator, or it cannot have these arguments.
        """
        new = step_decorator_of(
            deco_type, tuple(deco_args or ()), dict(deco_kwargs or {}), self._draft.scope, self._name
        )
        if is_mutator(new):
            self._early_only(f"adds the mutator @{new.name}")
        return changes.add(
            self._decorators,
            new.with_configs(self._draft.scope),
            self._author,
            duplicates,
            DuplicateStepDecoratorException,
        )

    def remove_decorator(
        self,
        deco_name: str,
        deco_args: Sequence[Any] | None = None,
        deco_kwargs: Mapping[str, Any] | None = None,
    ) -> bool:
        """Take decorators of this name off the step, those with these arguments if any are given.

        Returns
        -------
        bool
            Whether there was any.
        """
        named = None if deco_kwargs is None else dict(deco_kwargs)
        found = changes.matching(self._decorators, deco_name, deco_args, named)
        for one in found:
            if is_mutator(one):
                self._early_only(f"removes the mutator @{one.name}")
            self._decorators.remove(one)
        return bool(found)

    @property
    def _decorators(self) -> list[StepDecorator]:
        return self._draft.steps[self._name]

    def _early_only(self, what: str) -> None:
        if not self._is_early:
            raise FlowError(
                f"@{self._author.name} {what} of step {self._name!r} too late. Do it in `pre_mutate`."
            )
