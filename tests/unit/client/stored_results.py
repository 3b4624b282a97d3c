"""Builds results in memory, as a run would leave them, and the scope that reads them."""

import time

from stepwell.client.scope import Connection, Scope
from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StepwellExceptionWrapper
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.foreach import Frame
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRef, TransitionTaken
from stepwell.model.task_record import parents_text
from stepwell.storages.memory import MemoryStorage
from stepwell.wiring.stores import Stores

BEGAN = 1_700_000_000.0


class Results:
    """A place of results that tests fill."""

    def __init__(self, stores=None, scope_location="memory"):
        self.stores = stores or Stores(Datastore.open(MemoryStorage()), MemoryMetadata())
        self.connection = Connection(scope_location, self.stores)
        self.scope = Scope(self.connection)

    def close(self):
        self.stores.metadata.close()

    def within(self, namespace):
        return Scope(self.connection, namespace)

    def run(
        self,
        flow="F",
        run="1",
        state=RunState.SUCCEEDED,
        user="ann",
        tags=(),
        silent_s=0.0,
        number=0,
        **fields,
    ):
        record = RunRecord(
            flow=flow, run=run, state=state, user=user, number=number,
            created_at=BEGAN + (number or int(run)),
            finished_at=BEGAN + 100 if state.finished else None, heartbeat_at=time.time() - silent_s,
            tags=tags, system_tags=(f"user:{user}", "runtime:local"),
            fields={"start_step": "start", "end_step": "end", "runtime": "local", **fields},
        )  # fmt: skip
        self.stores.metadata.save_run(record)
        return StoredResults(self, flow, run)


class StoredResults:
    """One run that tests fill with tasks."""

    def __init__(self, place, flow, run):
        self.place = place
        self.flow = flow
        self.run = run

    def key(self, step, task):
        return TaskKey(self.flow, self.run, step, str(task))

    def parameters(self, **values):
        self.task(PARAMETERS_STEP, int(PARAMETERS_TASK), values, parents=(), to=("start",))

    def task(
        self, step, number, values=None, *, parents=((PARAMETERS_STEP, 0),), to=(), kind="linear", path=(),
        frames=(), items=None, split=None, attempt=0, inherited=(), indexed=True,
    ):  # fmt: skip
        """A task that has succeeded."""
        datastore = self.place.stores.datastore
        values = values or {}
        ref, table = (None, b"") if items is None else datastore.save_items(items)[:2]
        transition = TransitionTaken("end" if not to else kind, tuple(to), 0 if items is None else len(items))
        datastore.seal(
            Pack(
                key=self.key(step, number), attempt=attempt,
                outcome=TaskOutcome(
                    ok=True, started_at=BEGAN + number, ended_at=BEGAN + number + 0.5, transition=transition
                ),
                parents=tuple(TaskRef(name, str(id)) for name, id in parents),
                split=split and TaskRef(split[0], str(split[1])), frames=frames, items=ref, item_table=table,
                own=tuple(datastore.save(name, values[name]) for name in sorted(values)),
                inherited=tuple(inherited),
            )
        )  # fmt: skip
        if indexed:
            self.record(step, number, TaskState.SUCCEEDED, parents, path, attempt)

    def failed(
        self, step, number, error, *, attempt=0, parents=((PARAMETERS_STEP, 0),), latest=True, fields=None
    ):
        """An attempt that has failed."""
        datastore = self.place.stores.datastore
        key = self.key(step, number)
        said = ErrorInfo(type(error).__name__, str(error))
        began = BEGAN + 10 * attempt
        outcome = TaskOutcome(ok=False, started_at=began, ended_at=began + 7, error=said)
        kept = (datastore.save("_exception", StepwellExceptionWrapper(error)), datastore.save("x", attempt))
        refs = tuple(TaskRef(name, str(id)) for name, id in parents)
        datastore.seal_failure(
            Pack(key=key, attempt=attempt, outcome=outcome, parents=refs, own=kept, fields=fields or {})
        )
        if latest:
            self.record(step, number, TaskState.FAILED, parents, (), attempt, error=str(error))

    def record(self, step, number, state, parents=((PARAMETERS_STEP, 0),), path=(), attempt=0, **more):
        self.place.stores.metadata.save_tasks(
            [
                TaskRecord(
                    flow=self.flow, run=self.run, step=step, task=str(number), number=number, state=state,
                    attempt=attempt, created_at=BEGAN + number, started_at=BEGAN + number,
                    finished_at=BEGAN + number + 1 if state.finished else None,
                    index_path=",".join(map(str, path)), parents=parents_text(parents), **more,
                )
            ]
        )  # fmt: skip

    def printed(self, step, number, stream, data, attempt=0):
        writer = self.place.stores.datastore.logs.writer(self.key(step, number), attempt)
        writer.feed(stream, BEGAN, data)
        writer.finish(BEGAN)
        writer.save()


def foreach_run(place, width=3):
    """``start`` opens a foreach over ``width`` letters; ``work``, ``join`` and ``end`` follow."""
    run = place.run()
    letters = [chr(ord("a") + index) for index in range(width)]
    run.parameters(alpha=1, _graph_info=graph("start", "work", "join", "end"))
    run.task("start", 1, {"letters": letters}, to=("work",), kind="foreach", items=letters)
    for index, letter in enumerate(letters):
        run.task(
            "work", 2 + index, {"y": letter * 2}, parents=(("start", 1),), to=("join",), path=(index,),
            frames=(Frame("start", "1", "letters", width, index, letter),),
        )  # fmt: skip
    inputs = tuple(("work", 2 + index) for index in range(width))
    run.task("join", 2 + width, {"n": width}, parents=inputs, to=("end",), split=("start", 1))
    run.task("end", 3 + width, {"result": 42, "_hidden": 7}, parents=(("join", 2 + width),))
    return run


def graph(*steps):
    """What a linear chain of steps keeps of its graph."""
    follows = {name: [*steps[at + 1 : at + 2]] for at, name in enumerate(steps)}
    return {"steps": {name: {"name": name, "next": follows[name]} for name in steps}}
