"""What the code of a step consists of, and which edits change it. SPEC 7.5-2, 7.4-7."""

from __future__ import annotations

import linecache
import subprocess
import sys
from types import ModuleType

import pytest
from projects import codes_of, flow_text, names_in

from stepwell.definition.step_code import step_code


def start_of(files):
    return codes_of(files if isinstance(files, dict) else {"flow.py": files})["start"]


HELPERS = """\
import math

RATE = 3
UNUSED = 4


def f(x):
    return g(x) * RATE


def g(x):
    return math.floor(x)


def unused(x):
    return x * UNUSED


class Model:
    def fit(self):
        return helper_of_model()


def helper_of_model():
    return 1
"""

REACHING = {
    "import": ("import helpers", "helpers.f(1)"),
    "import as": ("import helpers as h", "h.f(1)"),
    "from": ("from helpers import f", "f(1)"),
    "from as": ("from helpers import f as other", "other(1)"),
    "star": ("from helpers import *", "f(1)"),
    "inside": ("", "from helpers import f\nf(1)"),
    "module inside": ("", "import helpers\nhelpers.f(1)"),
    "lambda": ("from helpers import f", "print((lambda x: f(x))(1))"),
    "nested": ("from helpers import f", "def inner():\n    return [f(x) for x in range(3)]\ninner()"),
    "as a value": ("from helpers import f", "list(map(f, [1]))"),
    "through a constant": ("import helpers\nTABLE = {'f': helpers.f}", "TABLE['f'](1)"),
    "if imported": ("try:\n    from helpers import f\nexcept ImportError:\n    f = None", "f(1)"),
}


@pytest.mark.parametrize("form", REACHING)
def test_functions_and_constants_are_reached_through_every_form_of_import(form):
    head, body = REACHING[form]
    code = start_of({"flow.py": flow_text(body, head=head), "helpers.py": HELPERS})
    assert {"helpers:f", "helpers:g", "helpers:RATE"} <= names_in(code)
    assert not {"helpers:unused", "helpers:UNUSED", "helpers:Model"} & names_in(code)


def test_a_class_counts_with_all_that_its_methods_reach():
    head = "from helpers import Model"
    code = start_of({"flow.py": flow_text("Model().fit()", head=head), "helpers.py": HELPERS})
    assert names_in(code) == {"flow:Sample.start", "helpers:Model", "helpers:helper_of_model"}


def test_a_module_that_is_handed_on_counts_whole():
    head = "import helpers"
    files = {"flow.py": flow_text("print(getattr(helpers, 'f'))", head=head), "helpers.py": HELPERS}
    assert "helpers:*" in names_in(start_of(files))
    files["helpers.py"] = HELPERS.replace("UNUSED = 4", "UNUSED = 5")
    assert start_of(files).digest != start_of({**files, "helpers.py": HELPERS}).digest


def test_packages_are_followed_through_what_they_hand_on():
    files = {
        "flow.py": flow_text("pkg.f(1)", head="import pkg"),
        "pkg/__init__.py": "from .deep.inner import f\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/inner.py": "from ..numbers import RATE\n\ndef f(x):\n    return RATE * x\n",
        "pkg/numbers.py": "RATE = 2\n",
    }
    assert names_in(start_of(files)) == {"flow:Sample.start", "pkg.deep.inner:f", "pkg.numbers:RATE"}


def test_a_submodule_is_reached_by_its_dotted_name():
    files = {
        "flow.py": flow_text("pkg.inner.f(1)", head="import pkg.inner"),
        "pkg/__init__.py": "",
        "pkg/inner.py": "def f(x):\n    return x\n",
    }
    assert names_in(start_of(files)) == {"flow:Sample.start", "pkg.inner:f"}


def test_methods_of_the_flow_and_its_bases_are_followed():
    base = (
        "from stepwell import FlowSpec\nFACTOR = 2\n\nclass Base(FlowSpec):\n    SCALE = 3\n"
        "    def scaled(self, x):\n        return self.SCALE * self.factor(x)\n"
        "    def factor(self, x):\n        return FACTOR\n    def unused(self):\n        return 1\n"
    )
    members = "def factor(self, x):\n    return super().factor(x) + 1\n"
    text = flow_text("print(self.scaled(1))", head="from base import Base", members=members)
    code = start_of({"flow.py": text.replace("Sample(FlowSpec)", "Sample(Base)"), "base.py": base})
    assert names_in(code) == {
        "flow:Sample.start",
        "flow:Sample.factor",
        "base:Base.scaled",
        "base:Base.factor",
        "base:Base.SCALE",
        "base:FACTOR",
    }
    kinds = {part.name.partition(":")[2]: part.kind for part in code.parts}
    assert kinds["Base.SCALE"] == "class constant" and kinds["FACTOR"] == "constant"
    assert kinds["Sample.start"] == "step" and kinds["Base.scaled"] == "function"


def test_steps_that_a_step_leads_to_are_no_part_of_it():
    code = start_of(flow_text("pass", end="print('a long way')"))
    assert names_in(code) == {"flow:Sample.start"}


def test_who_gets_the_flow_itself_may_call_any_method_by_name():
    members = "def scaled(self):\n    return 1\ndef unused(self):\n    return 2\n"
    head = "def train(flow):\n    return flow.scaled()\n"
    assert "flow:Sample.scaled" in names_in(start_of(flow_text("train(self)", head=head, members=members)))
    named = start_of(flow_text("getattr(self, 'scaled')()", members=members))
    assert names_in(named) == {"flow:Sample.start", "flow:Sample.scaled"}


def test_decorators_of_the_users_own_are_part_of_what_they_decorate():
    head = (
        "import functools\n\ndef loud(function):\n    @functools.wraps(function)\n    def wrapper(*args):\n"
        "        return function(*args)\n    return wrapper\n\n@loud\ndef f():\n    return 1\n"
    )
    assert {"flow:loud", "flow:f"} <= names_in(start_of(flow_text("f()", head=head)))


def test_decorators_that_say_how_a_step_is_carried_out_are_no_part_of_it():
    plain = flow_text(
        "pass", head="import stepwell\nfrom stepwell import retry as again, environment\nTIMES = 3"
    )
    decorated = plain.replace(
        "    @step\n    def start",
        "    @again(times=TIMES)\n    @stepwell.resources(cpu=2)\n    @step\n    def start",
    )
    assert start_of(plain).digest == start_of(decorated).digest
    other = plain.replace(
        "    @step\n    def start", "    @environment(vars={'A': '1'})\n    @step\n    def start"
    )
    assert start_of(plain).digest != start_of(other).digest


def test_a_constant_is_all_that_makes_and_changes_it():
    head = (
        "TABLE = {}\nTABLE['a'] = 1\nTABLE.update(b=2)\nfor name in 'cd':\n    TABLE[name] = 3\nOTHER = 1\n"
    )
    code = start_of(flow_text("print(TABLE)", head=head))
    for old, new in (("= 1\nTABLE.u", "= 9\nTABLE.u"), ("b=2", "b=9"), ("] = 3", "] = 9")):
        assert start_of(flow_text("print(TABLE)", head=head.replace(old, new))).digest != code.digest
    same = start_of(flow_text("print(TABLE)", head=head.replace("OTHER = 1", "OTHER = 2")))
    assert same.digest == code.digest


def test_a_local_name_is_not_taken_for_what_stands_outside():
    head = "def f():\n    return 1\n\ndef x():\n    return 2\n"
    body = "f = 3\nprint(f, [x for x in range(3)], {y: x for x, y in []})\ndef g(x):\n    return x\n"
    assert names_in(start_of(flow_text(body, head=head))) == {"flow:Sample.start"}


def test_names_of_a_class_body_are_not_seen_by_its_methods():
    head = "RATE = 1\n\nclass Model:\n    RATE = RATE\n    def fit(self):\n        return RATE\n"
    assert "flow:RATE" in names_in(start_of(flow_text("Model()", head=head)))


def test_cycles_and_names_that_lead_nowhere_end():
    head = "import os, none_such_module as n\n".replace("none_such_module", "json")
    head += "def even(x):\n    return odd(x)\n\ndef odd(x):\n    return even(x) or gone(x) or n.loads(x)\n"
    assert names_in(start_of(flow_text("even(1)", head=head))) == {
        "flow:Sample.start",
        "flow:even",
        "flow:odd",
    }


def test_code_that_is_deeper_than_python_recurses_is_followed_all_the_same():
    long = " + ".join(f"f({number})" for number in range(900))
    text = flow_text(
        f"print({long} + self.g())", head="def f(x):\n    return 1\n", members="def g(self):\n    return 2\n"
    )
    code = start_of(text)
    assert names_in(code) == {"flow:Sample.start", "flow:f", "flow:Sample.g"}
    assert start_of(text.replace("f(899)", "f(898)")).digest != code.digest


def test_modules_that_import_each_other_end():
    files = {
        "flow.py": flow_text("one.f()", head="import one"),
        "one.py": "from two import *\nimport two\n",
        "two.py": "import one\nfrom one import *\ndef f():\n    return one.f\n",
    }
    assert names_in(start_of(files)) == {"flow:Sample.start", "two:f"}


SAME = {
    "comments": ("return g(x) * RATE", "# why\n    return g(x) * RATE  # so"),
    "formatting": ("return g(x) * RATE", "return (\n        g( x )\n        *  RATE\n    )"),
    "docstring": ("return g(x) * RATE", '"""Say what it does."""\n    return g(x) * RATE'),
    "quotes": ("def g(x):", "if 0:\n    pass\n\n\ndef g(x):"),
    "moved": (
        "def f(x):\n    return g(x) * RATE\n\n\ndef g(x):\n    return math.floor(x)",
        "def g(x):\n    return math.floor(x)\n\n\ndef f(x):\n    return g(x) * RATE",
    ),
    "unreached": ("return x * UNUSED", "return x + UNUSED"),
    "a new function": ("def unused", "def another():\n    pass\n\n\ndef unused"),
}
CHANGED = {
    "function": ("g(x) * RATE", "g(x) + RATE"),
    "function behind": ("math.floor(x)", "math.ceil(x)"),
    "constant": ("RATE = 3", "RATE = 3.0"),
    "default": ("def g(x):", "def g(x=1):"),
    "decorator": ("def g(x):", "@staticmethod\ndef g(x):"),
    "text": ("math.floor(x)", "math.floor(x) or 'text'"),
}


@pytest.mark.parametrize("edit", SAME)
def test_what_changes_no_code_changes_no_digest(edit):
    old, new = SAME[edit]
    files = {"flow.py": flow_text("helpers.f(1)", head="import helpers"), "helpers.py": HELPERS}
    assert old in HELPERS
    assert start_of(files).digest == start_of({**files, "helpers.py": HELPERS.replace(old, new)}).digest


@pytest.mark.parametrize("edit", CHANGED)
def test_what_changes_code_that_is_reached_changes_the_digest(edit):
    old, new = CHANGED[edit]
    files = {"flow.py": flow_text("helpers.f(1)", head="import helpers"), "helpers.py": HELPERS}
    assert old in HELPERS
    assert start_of(files).digest != start_of({**files, "helpers.py": HELPERS.replace(old, new)}).digest


def test_a_part_says_where_it_stands_and_how_it_is_written():
    files = {"flow.py": flow_text("helpers.g(1)", head="import helpers"), "helpers.py": HELPERS}
    part = next(part for part in start_of(files).parts if part.name == "helpers:g")
    assert (part.file, part.line) == ("helpers.py", 11)
    assert part.source == "def g(x):\n    return math.floor(x)\n"


def cells(*texts, at):
    """Return the first step's code of a flow that a notebook's cells define; their files have other names."""
    module = ModuleType("some_notebook")
    sys.modules["some_notebook"] = module
    for number, text in enumerate(texts):
        file = f"/tmp/ipykernel_{at}/{at + number}.py"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), module.__dict__)
    return step_code(module.Sample, "start")


def test_cells_of_a_notebook_are_one_module_whatever_their_files_are_called():
    flow, helper = flow_text("f(1)"), "def f(x):\n    return x\n"
    first = cells(helper, flow, at=1000)
    assert {part.name for part in first.parts} == {"some_notebook:Sample.start", "some_notebook:f"}
    assert cells(helper, flow, at=2000).digest == first.digest
    assert cells(helper.replace("return x", "return -x"), flow, at=3000).digest != first.digest


# SPEC 7.4-8
def test_a_step_mentions_what_it_and_all_that_it_reaches_name():
    members = "def scaled(self):\n    return self.alpha\ndef other(self):\n    return self.beta\n"
    body = '"""Reads nothing called delta."""\nself.scaled()\ngetattr(self, "gamma")\nf(self)\n'
    code = start_of(flow_text(body, head="def f(flow):\n    return flow.epsilon\n", members=members))
    assert {"alpha", "gamma", "epsilon"} <= code.mentions
    assert not {"beta", "delta"} & code.mentions


SCRIPT = """
import sys
from stepwell.definition.step_code import step_code
if sys.argv[1] == "load":
    from stepwell.definition.loader import load_flow
    print(step_code(load_flow("flow.py"), "start").digest)
else:
    import runpy
    import stepwell.cli.flow_cli
    stepwell.cli.flow_cli.main = lambda flow: print(step_code(flow, "start").digest)
    sys.path.insert(0, "")
    main = type(sys)("__main__")
    main.__file__ = "flow.py"
    sys.modules["__main__"] = main
    exec(compile(open("flow.py").read() + "\\nSample()", "flow.py", "exec"), vars(main))
"""


def test_the_digest_is_the_same_in_every_process_and_by_every_door(tmp_path):
    (tmp_path / "flow.py").write_text(flow_text("helpers.f({1, 2} and 'ab')", head="import helpers"))
    (tmp_path / "helpers.py").write_text(HELPERS)
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, door],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for door, seed in (("load", "1"), ("load", "2"), ("main", "3"))
    }
    assert len(said) == 1
