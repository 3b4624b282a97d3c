import json

import pytest

from stepwell.cli.errors import run_command
from stepwell.cli.flow_cli import flow_group
from stepwell.cli.main import is_flow_target, stepwell_group
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import Parameter
from stepwell.definition.step import step


class Small(FlowSpec):
    """A small flow."""

    alpha = Parameter("alpha", default=0.5, help="learning rate")
    count = Parameter("count", type=int, required=True)
    flag = Parameter("flag", default=True)

    @step
    def start(self):
        """Begin here."""
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


# Not written out: the check looks for the name in the whole file.
UNREAD = "spare_" + "one"


class Doubtful(FlowSpec):
    spare_one = Parameter("spare-one", default=1)

    @step
    def start(self):
        self.next(self.work, foreach={1, 2})

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Broken(FlowSpec):
    @step
    def start(self):
        self.next(self.ende)

    @step
    def end(self):
        pass


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*args, flow=Small):
        code = run_command(flow_group(flow, "python small.py"), args, "python small.py")
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


# SPEC 5.1-1
def test_no_command_checks_and_names_the_main_commands(cli):
    code, out, err = cli()
    assert (code, out) == (0, "")
    assert "flow is valid" in err
    assert "python small.py run" in err


# SPEC 5.1-1
def test_an_invalid_flow_ends_with_2_and_place_and_remedy(cli):
    code, out, err = cli("check", flow=Broken)
    assert (code, out) == (2, "")
    assert "test_front_doors.py:" in err
    assert "`ende`" in err and "`end`" in err
    assert "Traceback" not in err


# SPEC 9.1-3
@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("run --max-workers 0", "`--max-workers` cannot be '0'. It must be a whole number, at least 1."),
        ("run --max-workers x", "`--max-workers` cannot be 'x'. It must be a whole number, at least 1."),
        ("run --max-log-size x", "`--max-log-size` cannot be 'x'. It must be a number above 0."),
        ("run --isolation frok", "one of `fork`, `spawn`, `inline`. Did you mean `fork`?"),
        ("run --tag", "`--tag` needs a value."),
        ("run --cuont 3", "there is no option `--cuont`. Did you mean `--count`?"),
        ("run --quiet", "`--quiet` is for all commands, and stands before the command's name."),
        ("run more", "`more` is too much."),
        ("dump", "`RUN/STEP[/TASK]` is missing."),
        (
            "run --count 1 --with resources:cpux=2",
            "`--with resources:cpux=2`: @resources has no attribute `cpux`.",
        ),
        ("--with nonsense check", "`--with nonsense`: There is no step decorator `nonsense`."),
        ("rnu", "there is no command `rnu`. Did you mean `run`?"),
    ],
)
def test_a_usage_error_names_the_option_the_value_and_the_rule(cli, args, said):
    code, out, err = cli(*args.split())

    assert (code, out) == (2, "")
    assert err.startswith("Wrong usage: ") and said in err
    assert "--with" in args or err.rstrip().endswith("--help`.")


# SPEC 9.1-3
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("STEPWELL_RUN_MAX_WORKERS", "x", "cannot be 'x', which STEPWELL_RUN_MAX_WORKERS gives."),
        ("STEPWELL_DEFAULT_DECOSPECS", "resources:cpux=2", "variable STEPWELL_DEFAULT_DECOSPECS."),
    ],
)
def test_a_usage_error_names_the_variable_that_gave_the_value(cli, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)

    code, _, err = cli("run", "--count", "1")

    assert code == 2 and said in err


# SPEC 9.3-16
def test_version_and_help_can_be_asked_for_by_options(cli):
    assert cli("--version") == cli("version")
    assert cli("-h") == cli("--help")
    assert cli("run", "-h") == cli("run", "--help")


# SPEC 9.3-4
def test_check_as_json_lists_the_problems(cli):
    code, out, _ = cli("check", "--json", flow=Broken)
    found = json.loads(out)
    assert code == 2
    assert found["valid"] is False and found["flow"] == "Broken"
    (problem,) = found["problems"]
    assert "ende" in problem["message"] and "`end`" in problem["hint"]
    assert problem["file"].endswith("test_front_doors.py") and problem["line"] > 1
    assert (problem["rule"], problem["severity"], problem["step"]) == ("unknown-target", "error", "start")


# SPEC 9.3-4
@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("check",), 0, False),
        (("check", "--warnings"), 0, True),
        (("check", "--strict"), 2, True),
        (("--no-pylint", "check", "--strict"), 0, False),
    ],
)
def test_warnings_are_shown_when_asked_for_and_fail_the_check_when_strict(cli, args, code, says):
    ended, out, err = cli(*args, flow=Doubtful)

    assert (ended, out) == (code, "")
    assert ("test_front_doors.py:" in err) is says
    assert ("warning: step `start` iterates over a set" in err) is says
    assert (f"no step reads the parameter `{UNREAD}`" in err) is says


# SPEC 9.3-4
def test_check_as_json_lists_warnings_with_their_severity(cli):
    code, out, _ = cli("check", "--json", flow=Doubtful)

    found = json.loads(out)

    assert (code, found["valid"]) == (0, True)
    assert {(p["rule"], p["severity"]) for p in found["problems"]} == {
        ("foreach-over-set", "warning"),
        ("unread-parameter", "warning"),
    }


# SPEC 9.2-1
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--mode", "spin", "run"), ["--mode spin", "`run` executes runs"]),
        (("--config", "c", "c.json", "check"), ["no Config `c`", "It has none"]),
        (("--config-value", "c", "{}", "check"), ["no Config `c`", "It has none"]),
        (("--config-value", "c", "{}", "configure"), ["--config-value is for commands of a flow"]),
    ],
)
def test_an_option_that_does_not_fit_the_command_or_the_flow_is_refused_by_name(cli, args, words):
    code, _, err = cli(*args)

    assert code == 2
    assert [word for word in words if word not in err] == []


# SPEC 9.2-1
def test_a_rebuild_of_environments_says_that_there_is_none(cli):
    code, _, err = cli("--force-rebuild-environments", "check")

    assert code == 0
    assert "nothing to rebuild" in err


# SPEC 9.3-4
def test_show_has_the_steps_in_graph_order_with_their_targets(cli):
    _, out, _ = cli("show")
    steps = [line for line in out.splitlines() if line.startswith("Step ")]
    assert steps == ["Step start => work", "Step work => join", "Step join => end", "Step end"]
    assert "    Begin here." in out.splitlines()


# SPEC 9.3-5
def test_show_has_types_of_parameters_and_what_a_foreach_iterates_over(cli):
    _, out, _ = cli("show")
    _, doubtful, _ = cli("show", flow=Doubtful)

    lines = out.splitlines()
    assert lines[2:5] == ["Parameter alpha: float", "Parameter count: int (required)", "Parameter flag: bool"]
    assert lines[lines.index("Step start => work") + 1] == "  foreach items"
    assert "  foreach {1, 2}" in doubtful.splitlines()
    assert doubtful.splitlines()[-2:] == ["", "Step end"]  # nothing stands for a docstring that is not there


# SPEC 9.3-7
def test_graph_draws_in_each_format(cli):
    begins = {
        "ascii": "start  foreach items",
        "mermaid": "flowchart",
        "dot": "digraph",
        "svg": "<svg",
        "json": "{",
    }

    assert cli("graph") == cli("graph", "--format", "ascii")
    for kind, text in begins.items():
        code, out, _ = cli("graph", "--format", kind)
        assert (code, out.startswith(text)) == (0, True)
    assert json.loads(cli("graph", "--format", "json")[1]).keys() == {"graph", "graph_structure"}


# SPEC 9.3-6
def test_output_dot_is_a_digraph_of_the_flow(cli):
    _, out, _ = cli("output-dot")
    assert out.startswith("digraph Small {")
    assert '"start" -> "work";' in out


# SPEC 9.3-6
def test_output_raw_has_graph_and_structure(cli):
    _, out, _ = cli("output-raw", "--json")
    raw = json.loads(out)
    assert list(raw["graph"]) == ["start", "work", "join", "end"]
    assert raw["graph_structure"] == ["start", [["work"]], "join", "end"]


# SPEC 9.1-3
def test_help_of_run_shows_parameters_with_type_default_help_and_variable(cli):
    _, out, _ = cli("run", "--help")
    text = " ".join(out.split())
    assert "--alpha FLOAT learning rate [default: 0.5] [env var: STEPWELL_RUN_ALPHA]" in text
    assert "--count INT [required] [env var: STEPWELL_RUN_COUNT]" in text


# SPEC 9.1-3
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("run", "--alpa", "1"), ["--alpa", "--alpha", "run --help"]),
        (("chek",), ["`chek`", "`check`", "--help"]),
        (("run", "--count", "many"), ["--count", "'many'", "int", "run --help"]),
        (("run",), ["--count is required"]),
        (("run", "--count", "1", "--max-workers", "0"), ["--max-workers", "0", "at least 1", "run --help"]),
        (("run", "--count", "1", "--show-logs", "wrk"), ["`wrk`", "`work`"]),
        (("--datastore", "s3", "check"), ["`s3`", "command line", "`local`"]),
    ],
)
def test_a_usage_error_names_what_is_wrong_and_ends_with_2(cli, args, words):
    code, out, err = cli(*args)
    assert (code, out) == (2, "")
    assert [word for word in words if word not in err] == []
    assert len(err.splitlines()) <= 5


# SPEC 3.2-1
def test_a_wrong_value_from_a_variable_names_the_variable(cli, monkeypatch):
    monkeypatch.setenv("STEPWELL_RUN_COUNT", "many")
    code, _, err = cli("run")
    assert code == 2
    assert "STEPWELL_RUN_COUNT" in err


# SPEC 9.1-7
def test_a_global_option_can_come_from_a_variable(cli, monkeypatch):
    monkeypatch.setenv("STEPWELL_DATASTORE", "s3")
    code, _, err = cli("check")
    assert code == 2
    assert "environment variable STEPWELL_DATASTORE" in err


# SPEC 9.5-4
def test_configure_show_prints_values_with_their_origin_and_no_secret(cli, monkeypatch):
    monkeypatch.setenv("STEPWELL_SERVICE_AUTH_KEY", "hidden words")
    _, out, _ = cli("configure", "show", "--origin")
    assert "USER = tester    # environment variable STEPWELL_USER" in out
    assert "hidden words" not in out


# SPEC 9.3-16
def test_both_front_doors_have_version_and_help(cli, capsys):
    assert cli("version")[1] == cli("version")[1] != ""
    assert run_command(stepwell_group(), ["version"], "stepwell") == 0
    assert capsys.readouterr().out == cli("version")[1]
    assert "--max-workers" in cli("help", "run")[1]


# SPEC 1.2-3
def test_stepwell_takes_the_flow_from_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = "from stepwell.definition.flowspec import FlowSpec\nfrom stepwell.definition.step import step\n"
    for name in ("One", "Two"):
        source += f"class {name}(FlowSpec):\n    @step\n    def start(self):\n        self.next(self.end)\n"
        source += "    @step\n    def end(self):\n        pass\n"
    (tmp_path / "two_flows.py").write_text(source)
    assert run_command(stepwell_group(), ["check", "two_flows.py:Two"], "stepwell") == 0
    assert "Two: flow is valid" in capsys.readouterr().err
    assert run_command(stepwell_group(), ["check", "two_flows.py"], "stepwell") == 2
    assert "`One`, `Two`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "is_flow"),
    [
        ("a.py", True),
        ("../a/b.py:F", True),
        ("pkg.mod:F", True),
        ("12", False),
        ("F/12/start[0]", False),
        ("F/2024.1/start", False),
    ],
)
def test_source_and_addresses_are_told_apart(text, is_flow):
    assert is_flow_target(text) is is_flow


# SPEC 8.2-6
def test_an_internal_error_says_what_went_on_and_where_the_traceback_is(capsys, tmp_path, monkeypatch):
    import re
    from pathlib import Path

    import click

    (tmp_path / ".stepwell").mkdir()
    monkeypatch.chdir(tmp_path)

    def fail():
        raise ZeroDivisionError("ours")

    code = run_command(click.Command("x", callback=fail), [], "stepwell")
    err = capsys.readouterr().err
    saved = re.search(r"saved in (\S+)\.\n", err)
    assert code == 1
    assert "Traceback" not in err and "ZeroDivisionError: ours" in err
    assert "Traceback" in Path(saved[1]).read_text()
    assert Path(saved[1]).parent == tmp_path / ".stepwell" / "errors"
