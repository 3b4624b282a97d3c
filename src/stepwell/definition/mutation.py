"""Calls the hooks of a flow's mutators, in their order, and freezes what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from stepwell.definition.attach import Decorators
from stepwell.definition.config import scope_of
from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.decorator import Decorator
from stepwell.definition.draft import Draft
from stepwell.definition.mutable_flow import MutableFlow, MutableStep
from stepwell.definition.own_decorator import OwnDecorator, told
from stepwell.definition.parameters import MUTATED

_PREPARED = "__stepwell_prepared__"


def prepared(flow_class: type, stored: Mapping[str, object]) -> Draft:
    """Return a flow whose ``pre_mutate`` hooks were called; for the same configs that is done once.

    Parameters
    ----------
    stored
        The flow's configs.

    Raises
    ------
    FlowError
        A mutator fails, or does what it must not.
    """
    known: tuple[Mapping[str, object], Draft] | None = vars(flow_class).get(_PREPARED)
    if known is not None and known[0] == stored:
        return known[1]
    draft = Draft(flow_class, scope_of(flow_class, stored))
    for mutator, step in draft.mutators():
        _call(draft, mutator, step, "pre_mutate", is_early=True)
    draft.refuse_packages()
    # Whoever asks for the parameters of the class is to see these.
    setattr(flow_class, MUTATED, tuple(draft.parameters.values()))
    setattr(flow_class, _PREPARED, (stored, draft))
    return draft


def mutated(flow_class: type, scope: ConfigScope, draft: Draft | None, decorators: Decorators) -> Decorators:
    """Return the decorators of steps, those of the command line included, after the ``mutate`` hooks.

    A mutator that comes from the command line has its ``pre_mutate`` called now. ``draft`` is what the others
    have prepared, if there are any.

    Raises
    ------
    FlowError
        A mutator fails, or does what it must not.
    """
    early: list[Decorator] = (
        [] if draft is None else [one for listed in draft.steps.values() for one in listed]
    )
    late = Draft(flow_class, scope) if draft is None else copy(draft)
    late.take(decorators)
    for mutator, step in late.mutators():
        if step and mutator not in early:
            _call(late, mutator, step, "pre_mutate", is_early=False)
    late.refuse_packages()
    for mutator, step in late.mutators():
        _call(late, mutator, step, "mutate", is_early=False)
    return late.decorators()


def _call(draft: Draft, mutator: OwnDecorator, step: str, hook: str, is_early: bool) -> None:
    mutable: Any = (
        MutableStep(draft, step, mutator, is_early) if step else MutableFlow(draft, mutator, is_early)
    )
    told(lambda: getattr(mutator.made, hook)(mutable), f"@{mutator.name}: its `{hook}` failed")
