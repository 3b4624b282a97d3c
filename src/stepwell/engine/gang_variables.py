"""What a task of a gang finds in its environment."""

from __future__ import annotations

from stepwell.model.task import GangPlace


def gang_variables(place: GangPlace) -> dict[str, str]:
    """Return the variables that tell a task its place, under the names that existing tools read."""
    return {
        "MF_PARALLEL_MAIN_IP": place.main_ip,
        "MF_PARALLEL_NUM_NODES": str(place.size),
        "MF_PARALLEL_NODE_INDEX": str(place.index),
        "MF_PARALLEL_CONTROL_TASK_ID": place.control,
    }
