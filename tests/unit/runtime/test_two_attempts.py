"""Two attempts of one task that both finish."""

from stepwell import FlowSpec, step
from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import define
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRef, TaskRequest
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.task.step_function import StepFunction
from stepwell.storages.memory import MemoryStorage

WIDTHS = [3, 5]


class Twice(FlowSpec):
    @step
    def start(self):
        self.width = WIDTHS.pop(0)
        self.next(self.work, foreach=range(self.width))

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 12.3-1
def test_an_attempt_that_comes_second_reports_what_the_first_has_committed(capsys):
    definition, datastore = define(Twice), Datastore.open(MemoryStorage())
    info = RunInfo(flow="Twice", run="1", script="flow.py", user="tester")
    commit_parameters(definition, {}, info, datastore, 0.0)
    function = StepFunction(definition, datastore)
    key = TaskKey("Twice", "1", "start", "1")
    said = []

    codes = [
        function(
            info,
            TaskRequest(key=key, attempt=attempt, parents=(TaskRef(PARAMETERS_STEP, PARAMETERS_TASK),)),
            said.append,
        )
        for attempt in (0, 1)
    ]

    pack = datastore.pack(key)
    assert codes == [0, 0]
    assert pack.attempt == 0
    assert said == [pack.outcome, pack.outcome]
    assert said[1].transition.num_splits == 3
    assert "its result stands" in capsys.readouterr().err
