"""`python flow.py COMMAND ...` and `stepwell COMMAND flow.py ...` do the same."""

import pytest
from command_line import words


@pytest.fixture
def ran(folder):
    """A run of a flow, and a later one of another flow."""
    folder.flow("print('hello')", "self.x = 1")
    assert folder.run().returncode == 0
    other = folder.flow("print('other')", name="other.py")
    other.write_text(other.read_text().replace("Small", "Other"))
    assert folder.call("other.py", "run").returncode == 0
    return folder


# SPEC 9.1-1
@pytest.mark.parametrize(
    ("command", "rest", "said"),
    [
        ("check", [], "flow is valid"),
        ("show", [], "Step start => end"),
        ("show", ["latest"], "Run Small/1: succeeded"),
        ("runs", [], "Small/1"),
        ("logs", ["latest/start"], "hello"),
        ("dump", ["latest/start"], "x [size:"),
        ("doctor", ["--datastore", "latest"], "all are as they were written"),
        ("output-dot", [], "digraph Small"),
        ("graph", ["--format", "mermaid"], "s_start --> s_end"),
        ("help", [], "Commands:"),
        ("version", [], "."),
    ],
)
def test_both_doors_say_the_same(ran, command, rest, said):
    own = ran.call("flow.py", command, *rest)
    target = [] if command in ("help", "version") else ["flow.py"]
    common = ran.call("-m", "stepwell", command, *target, *rest)

    assert own.returncode == common.returncode == 0, words(own) + words(common)
    assert said in words(own) and said in words(common)
    if command not in ("help", "show"):
        assert own.stdout == common.stdout


# SPEC 9.3-16
@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("run", "stepwell run FILE.py[:Flow] [OPTIONS]"),
        ("logs", "stepwell logs [FILE.py[:Flow]] [OPTIONS] [show] RUN[/STEP[/TASK]]"),
        ("show", "stepwell show [FILE.py[:Flow]] [OPTIONS] [FLOW/]RUN[/STEP[/TASK]]"),
        ("version", "stepwell version [OPTIONS]"),
    ],
)
def test_help_shows_where_the_flow_is_named(folder, command, usage):
    as_option = folder.call("-m", "stepwell", command, "--help")
    as_command = folder.call("-m", "stepwell", "help", command)

    assert as_option.stdout == as_command.stdout
    assert as_option.stdout.startswith(f"Usage: {usage}\n")


# SPEC 9.1-3
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["run"], "no flow is named, as in `stepwell run flow.py`"),
        (["run", "--tag", "x"], "no flow is named, as in `stepwell run flow.py`"),
        (["show"], "`[FLOW/]RUN[/STEP[/TASK]]` is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_without_what_it_needs_says_what_that_is(folder, args, said):
    done = folder.call("-m", "stepwell", *args)

    assert done.returncode == 2
    assert said in words(done)


# SPEC 9.1-1
@pytest.mark.parametrize(
    ("before", "said"),
    [
        (["dump", "--private"], "_graph_info"),
        (["dump", "--max-value-size", "0"], "x [size:"),
        (["dump", "--include=x"], "x [size:"),
    ],
)
def test_options_may_stand_before_the_flow_s_file(ran, before, said):
    with_flow = ran.call("-m", "stepwell", *before, "flow.py", "latest/start")
    without = ran.call("-m", "stepwell", *before, "Small/latest/start")

    assert with_flow.returncode == without.returncode == 0, words(with_flow) + words(without)
    assert said in words(with_flow)
    assert with_flow.stdout == without.stdout


# SPEC 9.1-1
@pytest.mark.parametrize(
    "args",
    [
        ["--max-workers", "1", "--dry-run", "flow.py", "--count", "0.5"],
        ["--count", "0.5", "flow.py", "--dry-run"],
        ["--is-big", "flow.py:Counted", "--dry-run", "--count", "0.5"],
    ],
)
def test_parameters_may_stand_before_the_flow_s_file(folder, args):
    folder.file(
        "from stepwell import FlowSpec, Parameter, step\n\n\nclass Counted(FlowSpec):\n"
        "    count = Parameter('count', type=float, required=True)\n"
        "    is_big = Parameter('is-big', default=False)\n\n"
        "    @step\n    def start(self):\n        pass\n"
    )

    planned = folder.call("-m", "stepwell", "run", *args)

    assert planned.returncode == 0, words(planned)
    assert "Counted" in words(planned)
    assert "count = 0.5" in words(planned)
