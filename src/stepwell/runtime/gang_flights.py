"""What has become of the tasks of gangs, until their gang is over and it is known what that means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from stepwell.datastore.gang_packs import RETURNED_ALONE, prepared_by, seal
from stepwell.engine.handle import TaskExited, TaskHandle
from stepwell.model.ids import TaskKey
from stepwell.model.task import ErrorInfo, TaskOutcome
from stepwell.model.task_record import brief
from stepwell.runtime.events import Notice
from stepwell.runtime.flight import Flight
from stepwell.runtime.parts import Parts
from stepwell.runtime.verdict import NO_RESULT
from stepwell.scheduling.orders import EndGang


class EndedFlight(NamedTuple):
    """An attempt that has ended, and how."""

    flight: Flight
    exited: TaskExited
    outcome: TaskOutcome

    @property
    def key(self) -> TaskKey:
        return self.flight.request.key

    @property
    def error(self) -> ErrorInfo:
        return self.outcome.error or NO_RESULT


class GangFlights:
    """Attempts of tasks of gangs that have ended, by the number of the gang's first task."""

    def __init__(self, parts: Parts) -> None:
        self._datastore = parts.datastore
        self._engine = parts.engine
        self._clock = parts.clock
        self._emit = parts.listener
        self._ended: dict[int, list[EndedFlight]] = {}

    def __contains__(self, control: int) -> bool:
        return control in self._ended

    @property
    def flights(self) -> Iterator[Flight]:
        """The tasks that wait for the end of others."""
        return (ended.flight for gang in self._ended.values() for ended in gang)

    def add(self, flight: Flight, exited: TaskExited, outcome: TaskOutcome) -> None:
        """Note how an attempt has ended."""
        gang = flight.launch.gang
        if gang is not None:
            self._ended.setdefault(gang[0], []).append(EndedFlight(flight, exited, outcome))

    def why_ended(self, flight: Flight) -> str:
        """Say why we end a task with its gang; empty if we do not."""
        gang = flight.launch.gang
        culprit = None if gang is None else self._culprit(gang[0])
        return f"{culprit.key.short}, of its gang, failed" if culprit is not None else ""

    def end_others(self, order: EndGang, flights: Mapping[TaskHandle, Flight]) -> None:
        """End the tasks that cannot succeed any more."""
        handles = [handle for handle, flight in flights.items() if flight.launch.task in order.tasks]
        culprit = self._culprit(order.control)
        who = culprit.key.short if culprit is not None else "a task"
        tasks = f"{len(handles)} other task{'' if len(handles) == 1 else 's'}"
        self._emit(Notice(at=self._clock.now(), text=f"{who} failed; ending the {tasks} of its gang"))
        self._engine.cancel(handles)

    def sealed(self, control: int) -> list[EndedFlight]:
        """Let the results of a gang count; return its tasks in their order."""
        gang = sorted(self._ended.pop(control), key=lambda ended: ended.flight.launch.index or 0)
        keys, attempt = [ended.key for ended in gang], gang[0].flight.launch.attempt
        for _ in seal(self._datastore, prepared_by(self._datastore, keys, attempt)):
            pass
        return gang

    def failed(self, control: int) -> list[EndedFlight]:
        """Return the tasks of a gang that has failed, the one that it failed for first."""
        gang = self._ended.pop(control)
        lost = [
            EndedFlight(
                one.flight, one.exited, replace(one.outcome, ok=False, transition=None, error=RETURNED_ALONE)
            )
            for one in gang
            if one.outcome.ok
        ]
        failed = [one for one in gang if not one.outcome.ok]
        culprit = failed[0]
        why = f"task {culprit.key.short} failed: {brief(culprit.error)}"
        for one in gang:
            one.flight.error = replace(culprit.error, message=why, frames="", full_frames="")
        return [*failed, *lost]

    def _culprit(self, control: int) -> EndedFlight | None:
        return next((one for one in self._ended.get(control, ()) if not one.outcome.ok), None)
