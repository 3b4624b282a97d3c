"""What ``doctor`` finds out about plugins: each is imported, as its first use would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click
from msgspec import Struct

from stepwell.cli.lazy_group import COMMANDS
from stepwell.datastore.serializer import Serializer
from stepwell.definition.announced import ANNOUNCED
from stepwell.definition.attach import BUILT_IN
from stepwell.definition.decorator import FlowDecorator, StepDecorator
from stepwell.definition.nearest import listed
from stepwell.plugins.offers import GROUP, KINDS, Offer, PluginFailed, offers, strangers
from stepwell.wiring.guest_engines import capabilities_of_class

_PORTS: Mapping[str, type[StepDecorator] | type[FlowDecorator]] = {
    "step_decorator": StepDecorator,
    "flow_decorator": FlowDecorator,
}


class PluginState(Struct, frozen=True):
    """A plugin in words, and what to do about it if it is not well."""

    text: str
    fix: str = ""


def plugin_states() -> Iterator[PluginState]:
    """Yield the state of every plugin that is installed."""
    known: dict[tuple[str, str], Offer] = {}
    for offer in offers():
        first = known.setdefault((offer.kind, offer.name), offer)
        yield _state(offer, first)
    for point in strangers():
        yield PluginState(
            f"{point.name!r} of {point.distribution} is of no kind that this version knows",
            f"Names in the group {GROUP} are KIND.NAME; the kinds are: {listed(KINDS)}.",
        )


def _state(offer: Offer, first: Offer) -> PluginState:
    if _is_ours(offer):
        return PluginState(f"{offer.title} is hidden by ours of that name", "Its maker should rename it.")
    if first is not offer and offer.kind != "serializer":
        return PluginState(f"{offer.title} is hidden by the {first.title}", "Uninstall one of the two.")
    try:
        return PluginState(f"{offer.title}{_usable(offer)}")
    except PluginFailed as error:
        return PluginState(f"{offer.title} cannot be used: {error}", offer.remedy)


def _is_ours(offer: Offer) -> bool:
    if offer.kind == "command":
        return offer.name in COMMANDS
    return offer.kind.endswith("decorator") and (offer.name in BUILT_IN or offer.name in ANNOUNCED)


def _usable(offer: Offer) -> str:
    """Import it; return what more there is to say."""
    if offer.kind == "command":
        if not isinstance(offer.load(), click.Command):
            raise PluginFailed("it is no command of click")
        return ""
    if offer.kind == "serializer":
        return f" for {', '.join(offer.make(Serializer).types)}"
    if offer.kind == "engine":
        capabilities_of_class(offer)
        return ""
    found: type = offer.load_class(_PORTS[offer.kind])
    if getattr(found, "name", None) != offer.name:
        raise PluginFailed(f"its class has the name {getattr(found, 'name', None)!r}")
    return ""
