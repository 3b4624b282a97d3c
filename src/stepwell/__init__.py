"""Stepwell: Python classes in, versioned runs out.

Each public name is resolved on its first use, and resolving one does not import the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.client import (
        DataArtifact,
        Flow,
        Metaflow,
        Run,
        Step,
        Stepwell,
        Task,
        default_metadata,
        default_namespace,
        get_metadata,
        get_namespace,
        metadata,
        namespace,
    )
    from stepwell.decorators.environment import environment
    from stepwell.decorators.resources import resources
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameters import JSONType, JSONTypeClass, Parameter
    from stepwell.definition.step import step
    from stepwell.runtime.task.current import current
    from stepwell.runtime.task.parallel_map import parallel_imap_unordered, parallel_map
    from stepwell.runtime.task.timed_block import profile

_WHERE = {
    "FlowSpec": "stepwell.definition.flowspec",
    "step": "stepwell.definition.step",
    "Parameter": "stepwell.definition.parameters",
    "JSONType": "stepwell.definition.parameters",
    "JSONTypeClass": "stepwell.definition.parameters",
    "current": "stepwell.runtime.task.current",
    "parallel_map": "stepwell.runtime.task.parallel_map",
    "parallel_imap_unordered": "stepwell.runtime.task.parallel_map",
    "profile": "stepwell.runtime.task.timed_block",
    "environment": "stepwell.decorators.environment",
    "resources": "stepwell.decorators.resources",
    "Flow": "stepwell.client",
    "Run": "stepwell.client",
    "Step": "stepwell.client",
    "Task": "stepwell.client",
    "DataArtifact": "stepwell.client",
    "Stepwell": "stepwell.client",
    "Metaflow": "stepwell.client",
    "namespace": "stepwell.client",
    "get_namespace": "stepwell.client",
    "default_namespace": "stepwell.client",
    "metadata": "stepwell.client",
    "get_metadata": "stepwell.client",
    "default_metadata": "stepwell.client",
}

__all__ = [
    "DataArtifact",
    "Flow",
    "FlowSpec",
    "JSONType",
    "JSONTypeClass",
    "Metaflow",
    "Parameter",
    "Run",
    "Step",
    "Stepwell",
    "Task",
    "current",
    "default_metadata",
    "default_namespace",
    "environment",
    "get_metadata",
    "get_namespace",
    "metadata",
    "namespace",
    "parallel_imap_unordered",
    "parallel_map",
    "profile",
    "resources",
    "step",
]


def __getattr__(name: str) -> object:
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
