"""User tags and system tags: which changes are allowed."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.exceptions import StepwellTaggingError
from stepwell.model.text import is_storable

MOST_TAGS = 50
LONGEST_TAG = 500


def check(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags sorted and each once.

    Raises
    ------
    StepwellTaggingError
        A tag is empty, longer than 500 characters or no Unicode text, or there are more than 50.
    """
    kept = tuple(sorted(set(tags)))
    for tag in kept:
        if not 1 <= len(tag) <= LONGEST_TAG:
            raise StepwellTaggingError(
                f"A tag has 1 to {LONGEST_TAG} characters; {tag[:40]!r} has {len(tag)}. Choose another text."
            )
        if not is_storable(tag):
            raise StepwellTaggingError(f"A tag is Unicode text; {tag[:40]!r} is not. Choose another text.")
    if len(kept) > MOST_TAGS:
        raise StepwellTaggingError(
            f"A run has at most {MOST_TAGS} user tags; this would make {len(kept)}. Remove some first."
        )
    return kept


def changed(
    user: Iterable[str], system: Iterable[str], add: Iterable[str], remove: Iterable[str]
) -> tuple[str, ...]:
    """Return the user tags after removing, then adding. Adding what is there is no error.

    Raises
    ------
    StepwellTaggingError
        A system tag would be removed, or the result breaks the rules of `check`.
    """
    fixed = frozenset(system)
    gone = frozenset(remove)
    if fixed & gone:
        raise StepwellTaggingError(
            f"{', '.join(sorted(fixed & gone))}: system tags stay as they are and cannot be removed."
        )
    return check((set(user) - gone) | (set(add) - fixed))
