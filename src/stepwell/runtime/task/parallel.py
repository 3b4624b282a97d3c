"""``current.parallel``: where a task stands in its gang."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.task import GangPlace


class Parallel(NamedTuple):
    """Where a task stands in its gang.

    Attributes
    ----------
    main_ip
        Address of the machine of the first task, to which the others can connect.
    num_nodes
        How many tasks there are.
    node_index
        Which of them this is, from 0.
    control_task_id
        Id of the first one.
    """

    main_ip: str
    num_nodes: int
    node_index: int
    control_task_id: str

    @classmethod
    def at(cls, place: GangPlace) -> Parallel:
        """Return the value for a place."""
        return cls(place.main_ip, place.size, place.index, place.control)
