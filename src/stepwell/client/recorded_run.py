"""What there is to say of a run from its record, and its tags to change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from stepwell.client.addressed import PartOfRun, moment
from stepwell.model.states import RunState

if TYPE_CHECKING:
    from stepwell.client.code import MetaflowCode


class RecordedRun(PartOfRun):
    """The properties of a run that need no other object."""

    @property
    def created_at(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self._run.known().created_at)

    @property
    def finished_at(self) -> datetime | None:
        """When it ended; for a run that was lost, when it last gave a sign of life."""
        return moment(self._run.record().finished_at)

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or not."""
        return self._run.record().state.finished

    @property
    def successful(self) -> bool:
        """Whether it has ended well."""
        return self._run.record().state is RunState.SUCCEEDED

    @property
    def status(self) -> str:
        """``pending``, ``running``, ``succeeded``, ``failed``, ``interrupted`` or ``lost``."""
        return self._run.record().state.value

    @property
    def origin_pathspec(self) -> str | None:
        origin = self._run.known().fields.get("origin-run-id")
        return f"{self._path[0]}/{origin}" if origin else None

    @property
    def code(self) -> MetaflowCode | None:
        """The files that it was run from; None if they were not kept."""
        from stepwell.client.code import MetaflowCode  # archives are seldom asked for

        return MetaflowCode.of(self._run)

    @property
    def trigger(self) -> None:
        """None: no event starts runs in this version."""

    def add_tag(self, tag: str | Iterable[str]) -> None:
        """Add a tag, or several."""
        self.replace_tags((), tag)

    def add_tags(self, tags: Iterable[str]) -> None:
        """Add tags; those that are there already stay."""
        self.replace_tags((), tags)

    def remove_tag(self, tag: str | Iterable[str]) -> None:
        """Remove a tag, or several."""
        self.replace_tags(tag, ())

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove user tags; those that are not there are passed over."""
        self.replace_tags(tags, ())

    def replace_tag(self, remove: str | Iterable[str], add: str | Iterable[str]) -> None:
        """Remove a tag and add another, in one go."""
        self.replace_tags(remove, add)

    def replace_tags(self, remove: str | Iterable[str], add: str | Iterable[str]) -> None:
        """Remove tags, then add others, in one go: others see all of it or nothing.

        Raises
        ------
        StepwellTaggingError
            A tag of the system would be removed, a tag is too long, or there are too many.
        """
        self._run.change_tags(_several(add), _several(remove))


def _several(tags: str | Iterable[str]) -> list[str]:
    return [tags] if isinstance(tags, str) else list(tags)
