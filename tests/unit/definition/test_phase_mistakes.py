"""What exists only at run time, used where the class is defined."""

from __future__ import annotations

import pytest

from stepwell.definition.loader import load_flow
from stepwell.exceptions import FlowLoadError, GraphError, InvalidDecoratorAttribute

FLOW = """\
from stepwell import FlowSpec, Parameter, resources, step

class Plain:
    pass

class F({base}):
    alpha = Parameter("alpha", default=1)
    {body}

    @step
    def start(self):
        self.heavy = True
        self.next(self.end)

    @resources(cpu={cpu})
    @step
    def end(self):
        pass
"""


def mistake(tmp_path, kind, base="FlowSpec", body="pass", cpu="1"):
    file = tmp_path / "phases.py"
    file.write_text(FLOW.format(base=base, body=body, cpu=cpu), encoding="utf-8")
    with pytest.raises(kind) as caught:
        load_flow(str(file))
    return caught.value


# SPEC 5.3-3
@pytest.mark.parametrize(
    ("cpu", "used"),
    [
        ("2 if self.heavy else 1", "`self.heavy`"),
        ("[self.heavy for _ in range(2)][0]", "`self.heavy`"),
        ("self", "`self`"),
        ("heavy", "the artifact `heavy`"),
        ("alpha * 2", "the value of parameter `alpha`"),
        ("range(alpha)", "the value of parameter `alpha`"),
        ("alpha.bit_length()", "the value of parameter `alpha`"),
    ],
)
def test_in_an_argument_of_a_decorator_it_is_told_with_phase_place_step_and_way_out(tmp_path, cpu, used):
    (problem,) = mistake(tmp_path, GraphError, cpu=cpu).problems

    assert problem.what.startswith(f"{used} is used in an argument of @resources on step `end`")
    assert "exists only at run time" in problem.what and "Config" in problem.fix
    assert (problem.rule, problem.step, problem.where.endswith("phases.py:15")) == ("phase", "end", True)


# SPEC 5.3-3
@pytest.mark.parametrize(
    "body", ["beta = self.heavy", "beta = heavy", "beta = alpha + 1", "if alpha > 1: beta = 1"]
)
def test_in_the_body_of_the_class_it_is_told_too(tmp_path, body):
    (problem,) = mistake(tmp_path, GraphError, body=body).problems

    assert "is used in the body of class F: it exists only at run time" in problem.what
    assert problem.where.endswith("phases.py:8")


# SPEC 5.3-3
def test_a_parameter_given_to_a_decorator_as_it_is_is_told_by_name(tmp_path):
    error = mistake(tmp_path, InvalidDecoratorAttribute, cpu="alpha")

    assert "@resources: `cpu` is the parameter `alpha`: its value exists only at run time" in str(error)
    assert error.line_no == 15


@pytest.mark.parametrize(
    "wrong",
    [{"cpu": "nothing"}, {"cpu": "1 / 0"}, {"cpu": "len(3)"}, {"base": "Plain", "body": "beta = self.heavy"}],
)
def test_other_errors_stay_what_they_are(tmp_path, wrong):
    assert "Error: " in str(mistake(tmp_path, FlowLoadError, **wrong))
