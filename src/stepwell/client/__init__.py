"""CLIENT: read what happened: flows, runs, steps, tasks and artifacts, by pathspec."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.client.objects import DataArtifact, Flow, Run, Step, Stepwell, Task
    from stepwell.client.objects import Stepwell as Metaflow
    from stepwell.client.session import (
        default_metadata,
        default_namespace,
        get_metadata,
        get_namespace,
        inspect_spin,
        metadata,
        namespace,
    )

_OBJECTS = "stepwell.client.objects"
_SESSION = "stepwell.client.session"
_WHERE = {
    "inspect_spin": (_SESSION, "inspect_spin"),
    "Stepwell": (_OBJECTS, "Stepwell"),
    "Metaflow": (_OBJECTS, "Stepwell"),
    "Flow": (_OBJECTS, "Flow"),
    "Run": (_OBJECTS, "Run"),
    "Step": (_OBJECTS, "Step"),
    "Task": (_OBJECTS, "Task"),
    "DataArtifact": (_OBJECTS, "DataArtifact"),
    "namespace": (_SESSION, "namespace"),
    "get_namespace": (_SESSION, "get_namespace"),
    "default_namespace": (_SESSION, "default_namespace"),
    "metadata": (_SESSION, "metadata"),
    "get_metadata": (_SESSION, "get_metadata"),
    "default_metadata": (_SESSION, "default_metadata"),
}

__all__ = [
    "DataArtifact",
    "Flow",
    "Metaflow",
    "Run",
    "Step",
    "Stepwell",
    "Task",
    "default_metadata",
    "default_namespace",
    "get_metadata",
    "get_namespace",
    "inspect_spin",
    "metadata",
    "namespace",
]


def __getattr__(name: str) -> object:
    place = _WHERE.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(place[0]), place[1])
    return value
