"""What kinds of cards there are, and what is known of one when its task begins."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

CARD_TYPES: Mapping[str, bool] = {
    "default": True,
    "blank": True,
    "default_json": False,
    "taskspec_card": False,
    "error": False,
}
"""The types that there are, and whether steps may put components on their cards."""


class CardHead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a card when its task begins; ``created_at`` is Unix time."""

    type: str
    id: str = ""
    options: dict[str, object] = {}
    created_at: float = 0.0
