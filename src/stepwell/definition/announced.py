"""Public names whose time has not come: each can be imported, and says so wherever it is used.

A flow that moves here keeps its import line, and learns from the first use, by place, what is missing and
what to do until then. Take a name out of this table when the real thing arrives.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from stepwell.definition.first_party import is_ours
from stepwell.exceptions import NotInThisVersion


class Announced:
    """A name that can be imported and not yet used: calling, subclassing or reading it raises.

    Parameters
    ----------
    name
        The public name.
    will
        What it is going to do.
    instead
        What to do until then.
    """

    __slots__ = ("_instead", "_name", "_will")

    def __init__(self, name: str, will: str, instead: str) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_will", will)
        object.__setattr__(self, "_instead", instead)

    def refuse(self, where: tuple[str | None, int | None] | None = None) -> NoReturn:
        """Raise for a use at a place; without one, for the innermost line that is not ours.

        Raises
        ------
        NotInThisVersion
        """
        name, will, instead = (getattr(self, slot) for slot in ("_name", "_will", "_instead"))
        file, line = _place() if where is None else where
        raise NotInThisVersion(f"`{name}` is not in this version. It will {will}. {instead}", line, file)

    def __call__(self, *_args: object, **_named: object) -> NoReturn:
        self.refuse()

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        self.refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself asks of any object
            raise AttributeError(name)
        self.refuse()

    def __iter__(self) -> NoReturn:
        self.refuse()

    def __repr__(self) -> str:
        return f"<{getattr(self, '_name')}: not in this version of Stepwell>"  # noqa: B009 - see __getattr__


def _place() -> tuple[str | None, int | None]:
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - the documented, cheap way
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None, None


_ON_THIS_MACHINE = "Leave it out; the step runs on this machine."
_YOUR_ENVIRONMENT = "Leave it out, and install the packages in the environment that you run the flow in."
_START_IT = "Leave it out, and start the run from cron or a program of yours."
_ONE_PROCESS = "Start the processes from within the step."

secrets = Announced("secrets", "put secrets into a task's environment", "Set the variables before the run.")
pytorch_parallel = Announced("pytorch_parallel", "train with PyTorch in a gang of tasks", _ONE_PROCESS)
torchrun = Announced("torchrun", "start torchrun in a gang of tasks", _ONE_PROCESS)
mpi = Announced("mpi", "start an MPI program in a gang of tasks", _ONE_PROCESS)
ray_cluster = Announced("ray_cluster", "start a Ray cluster for a step", _ONE_PROCESS)
pypi = Announced("pypi", "run a step with PyPI packages of its own", _YOUR_ENVIRONMENT)
pypi_base = Announced("pypi_base", "give all steps PyPI packages", _YOUR_ENVIRONMENT)
conda = Announced("conda", "run a step in a Conda environment of its own", _YOUR_ENVIRONMENT)
conda_base = Announced("conda_base", "give all steps a Conda environment", _YOUR_ENVIRONMENT)
uv = Announced("uv", "run a step in an environment that uv makes", _YOUR_ENVIRONMENT)
package_suffixes = Announced(
    "package_suffixes", "say which files belong to the code", "Use `--package-suffixes`, or the setting."
)
batch = Announced("batch", "run a step on AWS Batch", _ON_THIS_MACHINE)
kubernetes = Announced("kubernetes", "run a step on Kubernetes", _ON_THIS_MACHINE)
slurm = Announced("slurm", "run a step on Slurm", _ON_THIS_MACHINE)
ray = Announced("ray", "run a step on Ray", _ON_THIS_MACHINE)
schedule = Announced("schedule", "start deployed runs at set times", _START_IT)
trigger = Announced("trigger", "start deployed runs on events", _START_IT)
trigger_on_finish = Announced("trigger_on_finish", "start a run when another flow's has ended", _START_IT)
project = Announced("project", "keep deployments of a project apart", "Leave it out, and tag your runs.")
airflow_external_task_sensor = Announced(
    "airflow_external_task_sensor", "let an Airflow deployment wait for another task", "Leave it out."
)
airflow_s3_key_sensor = Announced(
    "airflow_s3_key_sensor", "let an Airflow deployment wait for an object", "Leave it out."
)
S3 = Announced("S3", "read and write objects in S3", "Use boto3, or another client, in the step.")
Runner = Announced("Runner", "run flows from a program", "Call `python flow.py run` with `subprocess`.")
NBRunner = Announced("NBRunner", "run flows from a notebook", "Write the flow to a file and `!python` it.")
Deployer = Announced("Deployer", "deploy flows to a scheduler", _START_IT)
NBDeployer = Announced("NBDeployer", "deploy flows from a notebook", _START_IT)
DeployedFlow = Announced("DeployedFlow", "stand for a flow that is deployed", _START_IT)
namespaced_event_name = Announced("namespaced_event_name", "name an event of a project", _START_IT)

ANNOUNCED = {name: value for name, value in globals().items() if isinstance(value, Announced)}
"""All of them, by name."""
