"""Engines that installed distributions bring, for the steps that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine
from stepwell.engine.parts import EngineParts
from stepwell.engines.by_step import EnginesByStep, by_step
from stepwell.exceptions import UsageError
from stepwell.model.policy import StepPolicy
from stepwell.plugins.offers import Offer, PluginFailed, offered, offers

Policies = Mapping[str, StepPolicy]


def with_guests(own: Engine, policies: Policies, parts: EngineParts) -> Engine:
    """Return an engine that gives tasks to those that their steps name.

    Raises
    ------
    UsageError
        An engine is not installed, or cannot be used.
    """
    engines: dict[str, Engine] = {}
    try:
        for offer in _offers_for(policies):
            engines[offer.name] = _made(offer, parts)
    except BaseException:
        for engine in (own, *engines.values()):
            engine.close()
        raise
    return EnginesByStep(own, engines)


def guest_capabilities(own: Capabilities, policies: Policies) -> Capabilities:
    """Return what engines can do that are not made for it.

    Raises
    ------
    UsageError
        As for `with_guests`.
    """
    others = {offer.name: _promised(offer) for offer in _offers_for(policies)}
    return by_step(own, others) if others else own


def capabilities_of_class(offer: Offer) -> Capabilities:
    """Return what an engine's class promises.

    Raises
    ------
    PluginFailed
        It cannot be used.
    """
    found: object = getattr(offer.load_class(Engine), "capabilities", None)
    if not isinstance(found, Capabilities):
        raise PluginFailed("its class has no attribute `capabilities` of the type Capabilities")
    return found


def _promised(offer: Offer) -> Capabilities:
    try:
        return capabilities_of_class(offer)
    except PluginFailed as error:
        raise _unusable(offer, str(error)) from error


def _offers_for(policies: Policies) -> Iterator[Offer]:
    for name in dict.fromkeys(filter(None, _names(policies))):
        offer = offered("engine", name)
        if offer is None:
            known = [one.name for one in offers("engine")]
            words = f"{did_you_mean(name, known)} Installed are: {listed(known) or 'none'}."
            steps = [step for step, policy in policies.items() if policy.engine == name]
            raise UsageError(
                f"There is no engine `{name}`, which {listed(steps)} would run on. {words.strip()} Install "
                "the distribution that brings it, or take the decorator away."
            )
        yield offer


def _names(policies: Policies) -> Iterable[str]:
    return (policy.engine for policy in policies.values())


def _made(offer: Offer, parts: EngineParts) -> Engine:
    _promised(offer)
    make = cast("Callable[[EngineParts], Engine]", offer.load_class(Engine))  # as plugins promise
    try:
        return make(parts)
    except Exception as error:
        raise _unusable(offer, f"{type(error).__name__}: {error}") from error


def _unusable(offer: Offer, why: str) -> UsageError:
    return UsageError(f"The {offer.title} cannot be used: {why}. {offer.remedy}")
