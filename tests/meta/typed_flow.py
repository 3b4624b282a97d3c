"""A flow of a user who checks types strictly. `pyright` reads it with the package, and must find nothing."""

# SPEC 1.1-2
# SPEC 3.1-2

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepwell import (
    DataArtifact,
    Flow,
    FlowSpec,
    JSONType,
    Metaflow,
    Parameter,
    Run,
    Step,
    Stepwell,
    Task,
    current,
    environment,
    namespace,
    parallel_map,
    resources,
    step,
)
from stepwell.exception import MetaflowNotFound


class TypedFlow(FlowSpec):
    """Splits, loops and joins, with artifacts that are declared."""

    alpha: float = Parameter("alpha", default=0.5, help="learning rate")
    rounds: int = Parameter(default=3)
    names: list[str] = Parameter("names", type=JSONType, default=["a", "bb"])

    items: list[str]
    length: int
    lengths: list[int]
    best: float

    @step
    def start(self) -> None:
        self.items = [name.upper() for name in self.names]
        current.log(names=len(self.names))
        self.next(self.measure, foreach="items")

    @resources(cpu=1)
    @step
    def measure(self) -> None:
        self.length = len(self.input)
        current.metric("length", self.length, step=self.index)
        self.next(self.collect)

    @step
    def collect(self, inputs: Sequence[TypedFlow]) -> None:
        self.lengths = [one.length for one in inputs]
        self.merge_artifacts(inputs, exclude=["length"])
        self.next(self.left, self.right)

    @environment(vars={"SIDE": "left"})
    @step
    def left(self) -> None:
        self.best = max(self.lengths) * self.alpha**self.rounds
        self.next(self.join)

    @step(node_info={"side": "right"})
    def right(self) -> None:
        self.best = float(sum(parallel_map(abs, self.lengths)))
        self.next(self.join)

    @step
    def join(self, inputs: Any) -> None:
        self.best = max(inputs.left.best, inputs.right.best)
        self.next(self.end)

    @step
    def end(self) -> None:
        where: str = current.pathspec
        print(where, current.retry_count + 1, sorted(current.tags), self.best)


def results() -> dict[str, Any]:
    """Read a run with the client."""
    namespace(None)
    run = Flow("TypedFlow").latest_successful_run
    assert run is not None and run.data is not None
    work: Step = run["measure"]
    task: Task = next(iter(work))
    artifact: DataArtifact = task["length"]
    size: int = artifact.size
    rows: list[float] = [point.value for point in task.metrics["length"]]
    try:
        same: Run = Run(run.pathspec)
    except MetaflowNotFound as error:
        return {"gone": error.message}
    assert Metaflow is Stepwell and [flow.id for flow in Metaflow()]
    return {"best": run.data.best, "size": size, "rows": rows, "same": same.id, "facts": task.facts}


if __name__ == "__main__":
    TypedFlow()
