"""Stepwell: Python classes in, versioned runs out.

Each public name is resolved on its first use, and resolving one does not import the others. Decorators of
plugins are found here as well, by the names that their entry points give them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
        inspect_spin,
        metadata,
        namespace,
    )
    from stepwell.decorators.cache import cache
    from stepwell.decorators.card import card
    from stepwell.decorators.catch import catch
    from stepwell.decorators.checkpoint import checkpoint
    from stepwell.decorators.environment import environment
    from stepwell.decorators.exit_hook import exit_hook
    from stepwell.decorators.mutators import FlowMutator, StepMutator
    from stepwell.decorators.parallel import parallel
    from stepwell.decorators.resources import resources
    from stepwell.decorators.retry import retry
    from stepwell.decorators.timeout import timeout
    from stepwell.decorators.user_step import USER_SKIP_STEP, UserStepDecorator, user_step_decorator
    from stepwell.definition.announced import (
        S3,
        DeployedFlow,
        Deployer,
        NBDeployer,
        NBRunner,
        Runner,
        airflow_external_task_sensor,
        airflow_s3_key_sensor,
        batch,
        conda,
        conda_base,
        kubernetes,
        mpi,
        namespaced_event_name,
        package_suffixes,
        project,
        pypi,
        pypi_base,
        pytorch_parallel,
        ray,
        ray_cluster,
        schedule,
        secrets,
        slurm,
        torchrun,
        trigger,
        trigger_on_finish,
        uv,
    )
    from stepwell.definition.config import Config, config_expr
    from stepwell.definition.config_value import ConfigValue
    from stepwell.definition.decorator import FlowDecorator, StepDecorator
    from stepwell.definition.engine_decorator import EngineDecorator
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.include_file import IncludeFile
    from stepwell.definition.parameters import JSONType, JSONTypeClass, Parameter
    from stepwell.definition.placing import as_decorator
    from stepwell.definition.step import step
    from stepwell.runtime.task.current import current
    from stepwell.runtime.task.parallel_map import parallel_imap_unordered, parallel_map
    from stepwell.runtime.task.timed_block import profile

_WHERE = {
    "FlowSpec": "stepwell.definition.flowspec",
    "step": "stepwell.definition.step",
    "Parameter": "stepwell.definition.parameters",
    "IncludeFile": "stepwell.definition.include_file",
    "JSONType": "stepwell.definition.parameters",
    "JSONTypeClass": "stepwell.definition.parameters",
    "current": "stepwell.runtime.task.current",
    "parallel_map": "stepwell.runtime.task.parallel_map",
    "parallel_imap_unordered": "stepwell.runtime.task.parallel_map",
    "profile": "stepwell.runtime.task.timed_block",
    "environment": "stepwell.decorators.environment",
    "exit_hook": "stepwell.decorators.exit_hook",
    "checkpoint": "stepwell.decorators.checkpoint",
    "parallel": "stepwell.decorators.parallel",
    "resources": "stepwell.decorators.resources",
    "retry": "stepwell.decorators.retry",
    "cache": "stepwell.decorators.cache",
    "card": "stepwell.decorators.card",
    "catch": "stepwell.decorators.catch",
    "timeout": "stepwell.decorators.timeout",
    "FlowMutator": "stepwell.decorators.mutators",
    "StepMutator": "stepwell.decorators.mutators",
    "UserStepDecorator": "stepwell.decorators.user_step",
    "user_step_decorator": "stepwell.decorators.user_step",
    "USER_SKIP_STEP": "stepwell.decorators.user_step",
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
    "inspect_spin": "stepwell.client",
    "Config": "stepwell.definition.config",
    "config_expr": "stepwell.definition.config",
    "ConfigValue": "stepwell.definition.config_value",
    "StepDecorator": "stepwell.definition.decorator",
    "FlowDecorator": "stepwell.definition.decorator",
    "EngineDecorator": "stepwell.definition.engine_decorator",
    "as_decorator": "stepwell.definition.placing",
    **dict.fromkeys(
        (
            "secrets",
            "pytorch_parallel",
            "torchrun",
            "mpi",
            "ray_cluster",
            "pypi",
            "pypi_base",
            "conda",
            "conda_base",
            "uv",
            "package_suffixes",
            "batch",
            "kubernetes",
            "slurm",
            "ray",
            "schedule",
            "trigger",
            "trigger_on_finish",
            "project",
            "airflow_external_task_sensor",
            "airflow_s3_key_sensor",
            "S3",
            "Runner",
            "NBRunner",
            "Deployer",
            "NBDeployer",
            "DeployedFlow",
            "namespaced_event_name",
        ),
        "stepwell.definition.announced",
    ),
}

__all__ = [
    "S3",
    "USER_SKIP_STEP",
    "Config",
    "ConfigValue",
    "DataArtifact",
    "DeployedFlow",
    "Deployer",
    "EngineDecorator",
    "Flow",
    "FlowDecorator",
    "FlowMutator",
    "FlowSpec",
    "IncludeFile",
    "JSONType",
    "JSONTypeClass",
    "Metaflow",
    "NBDeployer",
    "NBRunner",
    "Parameter",
    "Run",
    "Runner",
    "Step",
    "StepDecorator",
    "StepMutator",
    "Stepwell",
    "Task",
    "UserStepDecorator",
    "airflow_external_task_sensor",
    "airflow_s3_key_sensor",
    "as_decorator",
    "batch",
    "cache",
    "card",
    "catch",
    "checkpoint",
    "conda",
    "conda_base",
    "config_expr",
    "current",
    "default_metadata",
    "default_namespace",
    "environment",
    "exit_hook",
    "get_metadata",
    "get_namespace",
    "inspect_spin",
    "kubernetes",
    "metadata",
    "mpi",
    "namespace",
    "namespaced_event_name",
    "package_suffixes",
    "parallel",
    "parallel_imap_unordered",
    "parallel_map",
    "profile",
    "project",
    "pypi",
    "pypi_base",
    "pytorch_parallel",
    "ray",
    "ray_cluster",
    "resources",
    "retry",
    "schedule",
    "secrets",
    "slurm",
    "step",
    "timeout",
    "torchrun",
    "trigger",
    "trigger_on_finish",
    "user_step_decorator",
    "uv",
]


def __getattr__(name: str) -> object:
    module = _WHERE.get(name)
    if module is None:
        return _offered(name)
    value = globals()[name] = getattr(_imported(module), name)
    return value


def _offered(name: str) -> object:
    found: object = None
    if not name.startswith("_"):  # what Python and its tools ask of any module
        found = _imported("stepwell.definition.offered").offered_decorator(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found


def _imported(module: str) -> Any:
    """Import with Ctrl-C held back: where it meets the import of msgspec, the interpreter can crash later."""
    import signal  # on first use: importing this package alone loads nothing

    if not hasattr(signal, "pthread_sigmask"):
        return import_module(module)
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return import_module(module)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
