"""Configs go from the command line into decorators, parameters and steps, and stay those of the run."""

import json
import os

import pytest
from command_line import Folder, words

FLOW = """
import os
from stepwell import Config, FlowSpec, Parameter, config_expr, environment, step

class Deep(FlowSpec):
    cfg = Config("cfg", default="cfg.json", help="All of it.")
    note = Config("note", plain=True, default_value="none", show_default="nothing")
    rate = Parameter("rate", default=cfg.rate)

    @environment(vars={"FROM_CONFIG": config_expr("str(cfg.env.level + 1)")})
    @step
    def start(self):
        self.seen = [os.environ["FROM_CONFIG"], self.rate, self.cfg.parts[1].name, self.note]
        self.kinds = [type(self.cfg).__name__, type(self.cfg.env).__name__]
        self.refused = []
        for change in (lambda: self.cfg.update(a=1), lambda: setattr(self, "cfg", 1)):
            try:
                change()
            except (TypeError, AttributeError) as error:
                self.refused.append(type(error).__name__)
        self.next(self.work, foreach=range(2))

    @step
    def work(self):
        self.got = self.cfg.env.level * self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.got for one in inputs] + [self.cfg.env.level, inputs[0].cfg["env"]["level"]]
        self.merge_artifacts(inputs, exclude=["got"])
        self.next(self.end)

    @step
    def end(self):
        print("level", self.cfg.env.level, self.note)
        if os.path.exists("fail"):
            raise ValueError("told to")

if __name__ == "__main__":
    Deep()
"""
VALUES = {"rate": 0.5, "env": {"level": 3}, "parts": [{"name": "a"}, {"name": "b"}]}


def other(level: int) -> str:
    return json.dumps({**VALUES, "env": {"level": level}})


@pytest.fixture
def deep(folder: Folder) -> Folder:
    folder.file(FLOW)
    folder.file(json.dumps(VALUES), "cfg.json")
    return folder


def artifacts(folder: Folder, run: str, expression: str) -> object:
    code = f"import json, stepwell; data = stepwell.Run('Deep/{run}').data; print(json.dumps({expression}))"
    return json.loads(folder.call("-c", code).stdout)


# SPEC 3.4-1
# SPEC 3.4-5
# SPEC 3.4-7
# SPEC 4.1-4
def test_a_config_reaches_decorators_parameters_and_every_step(deep):
    assert deep.run().returncode == 0

    assert artifacts(deep, "1", "[data.seen, data.kinds, data.refused, data.all]") == [
        ["4", 0.5, "b", "none"],
        ["ConfigValue", "ConfigValue"],
        ["TypeError", "AttributeError"],
        [0, 3, 3, 3],
    ]
    assert artifacts(deep, "1", "[data.cfg, data.note, type(data.cfg).__name__]") == [VALUES, "none", "dict"]


# SPEC 3.4-2
# SPEC 9.2-1
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_options_win_over_variables_and_these_over_defaults_however_tasks_are_set_apart(deep, isolation):
    variables = {"STEPWELL_FLOW_CONFIG_VALUE": json.dumps({"cfg": {**VALUES, "rate": 9}, "note": "variable"})}
    options = ("--config-value", "cfg", other(7), "run", "--isolation", isolation)

    done = deep.call("flow.py", *options, env=with_variables(variables))

    assert done.returncode == 0, words(done)
    assert artifacts(deep, "1", "[data.rate, data.cfg['env'], data.note, data.all[-1]]") == [
        0.5,
        {"level": 7},
        "variable",
        7,
    ]


def with_variables(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


# SPEC 3.4-8
# SPEC 3.4-9
def test_what_goes_on_with_a_run_has_its_configs_whatever_the_file_says_now(deep):
    fail = deep.file("", "fail")
    assert deep.call("flow.py", "--config-value", "cfg", other(5), "run").returncode == 1
    deep.file(json.dumps({**VALUES, "env": {"level": 99}}), "cfg.json")
    refused = deep.call("flow.py", "--config", "cfg", "cfg.json", "continue")
    fail.unlink()
    continued = deep.call("flow.py", "continue")
    resumed = deep.call("flow.py", "resume", "end")
    spun = deep.call("flow.py", "spin", "1/end")
    overridden = deep.call("flow.py", "resume", "join", "--override-config-value", "cfg", other(8))

    assert refused.returncode == 2
    assert "begins with" in words(refused) or "it began with" in words(refused)
    assert [one.returncode for one in (continued, resumed, spun, overridden)] == [0, 0, 0, 0]
    for one in (continued, resumed, spun):
        assert "level 5 none" in words(one)
    assert "level 8 none" in words(overridden)
    assert "config changed: cfg" in words(overridden)
    assert artifacts(deep, "3", "[data.cfg['env']['level'], data.all]") == [8, [0, 5, 8, 5]]


# SPEC 3.4-7
def test_a_task_of_a_scheduler_has_the_configs_of_its_run(deep):
    begun = deep.call("flow.py", "--config-value", "cfg", other(6), "init", "--run-id", "nightly")
    assert begun.returncode == 0, words(begun)
    deep.file(json.dumps({**VALUES, "env": {"level": 99}}), "cfg.json")

    done = deep.call(
        "flow.py",
        "step",
        "start",
        "--run-id",
        "nightly",
        "--task-id",
        "a",
        "--input-paths",
        "nightly/_parameters/0",
    )

    assert done.returncode == 0, words(done)
    code = "from stepwell import Task; print(Task('Deep/nightly/start/a').data.seen)"
    assert deep.call("-c", code).stdout.strip() == "['7', 0.5, 'b', 'none']"


# SPEC 3.4-4
# SPEC 9.1-3
def test_wrong_configs_end_every_command_of_the_flow_with_all_complaints(deep):
    (deep.path / "cfg.json").write_text('{"rate": ')

    for command in ("run", "check", "show"):
        done = deep.call("flow.py", "--config-value", "noet", "x", command)

        assert done.returncode == 2
        assert "Did you mean `note`?" in words(done)
        assert "in cfg.json is not valid JSON at line 1, column 10" in words(done)
    assert not deep.root.exists()
    assert deep.call("flow.py", "run", "--help").returncode == 0


# SPEC 3.4-2
@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("STEPWELL_FLOW_CONFIG", "{", "not valid JSON"),
        ("STEPWELL_FLOW_CONFIG", "[]", "must be a JSON object"),
        ("STEPWELL_FLOW_CONFIG_VALUE", "[" * 50_000, "JSON"),
        ("STEPWELL_FLOW_CONFIG", '{"cfg": "nowhere"}', "nowhere (given) cannot be read"),
        ("STEPWELL_FLOW_CONFIG_VALUE", '{"other": {}}', "environment variable STEPWELL_FLOW_CONFIG_VALUE"),
    ],
)
def test_a_variable_that_is_wrong_is_named(deep, variable, text, said):
    done = deep.call("flow.py", "check", env=with_variables({variable: text}))

    assert done.returncode == 2
    assert said in words(done)


# SPEC 3.4-6
# SPEC 9.4-11
def test_help_shows_what_comes_of_configs_and_run_many_hands_them_on(deep):
    helped = deep.call("flow.py", "run", "--help")
    listed = " ".join(deep.call("flow.py", "--help").stdout.split())
    assert "Configs: cfg All of it. [default: cfg.json] note [default: nothing]" in listed
    many = deep.call("flow.py", "--config-value", "cfg", other(2), "run-many", "--grid", "rate=1,2")

    assert "--rate FLOAT" in helped.stdout
    assert "[default: 0.5]" in helped.stdout
    assert many.returncode == 0, words(many)
    assert artifacts(deep, "2", "data.cfg['env']['level']") == 2


# SPEC 9.2-1
def test_mode_spin_reads_and_keeps_what_was_spun(deep):
    assert deep.run().returncode == 0
    spun = deep.call("flow.py", "--mode", "spin", "spin", "end")
    shown = deep.call("flow.py", "--mode", "spin", "runs", "--json")
    refused = deep.call("flow.py", "--mode", "spin", "run")

    assert spun.returncode == 0, words(spun)
    assert len(shown.stdout.splitlines()) == 1, words(shown)
    assert (refused.returncode, "executes runs" in words(refused)) == (2, True)
