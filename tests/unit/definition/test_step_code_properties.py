"""Random projects and random edits: a step's digest changes with the code that it reaches, and only then."""

from __future__ import annotations

import ast

from hypothesis import given, settings
from hypothesis import strategies as st
from projects import codes_of, flow_text

KINDS = ("function", "class", "method", "constant")
FORMS = ("import helpers", "import helpers as h", "from helpers import *")


@st.composite
def projects(draw):
    """Draw things with a number each, where they stand, and what they use: (kind, module, uses, number)."""
    things = []
    for _ in range(draw(st.integers(2, 7))):
        kind = draw(st.sampled_from(KINDS))
        module = "flow" if kind == "method" else draw(st.sampled_from(("flow", "helpers")))
        things.append([kind, module, [], draw(st.integers(0, 9))])
    for kind, module, uses, _ in things:
        for index, (other, place, *_) in enumerate(things):
            can = kind != "constant" and (other != "method" or kind == "method")
            if can and (place == "helpers" or module == "flow") and draw(st.booleans()):
                uses.append(index)
    return things, draw(st.sampled_from(FORMS)), draw(st.lists(st.integers(0, len(things) - 1), max_size=2))


def rendered(things, form, roots):
    """Write the project down."""
    heads = {"flow": form + "\n", "helpers": ""}
    members = ""

    def name(index, module):
        kind, place = things[index][:2]
        if kind == "method":
            return f"self.thing{index}()"
        prefix = "" if place == module or "*" in form else ("h." if " as " in form else "helpers.")
        return f"{prefix}thing{index}"

    for index, (kind, module, uses, number) in enumerate(things):
        used = ", ".join([str(number), *(name(one, module) for one in uses)])
        text = {
            "function": f"def thing{index}():\n    return [{used}]\n",
            "class": f"class thing{index}:\n    def made(self):\n        return [{used}]\n",
            "method": f"def thing{index}(self):\n    return [{used}]\n",
            "constant": f"thing{index} = [{number}]\n",
        }[kind]
        if kind == "method":
            members += text
        else:
            heads[module] += text
    body = f"print({', '.join(name(one, 'flow') for one in roots)})"
    return {"flow.py": flow_text(body, head=heads["flow"], members=members), "helpers.py": heads["helpers"]}


def reached(things, roots):
    found, waiting = set(), list(roots)
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += things[index][2]
    return found


def digest_of(files):
    return codes_of(files)["start"].digest


@settings(max_examples=60, deadline=None)
@given(projects(), st.data())
def test_the_digest_changes_with_what_a_step_reaches_and_with_nothing_else(project, data):
    things, form, roots = project
    index = data.draw(st.integers(0, len(things) - 1))
    edited = [list(thing) for thing in things]
    edited[index][3] += 1
    before, after = digest_of(rendered(things, form, roots)), digest_of(rendered(edited, form, roots))
    assert (before != after) == (index in reached(things, roots))


class Documented(ast.NodeTransformer):
    """Gives every function and class another docstring."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(ast.Constant("Says something.")))
        return node

    visit_ClassDef = visit_FunctionDef


def respaced(text, draw):
    """Put comments, blank lines and spaces where Python does not mind them."""
    lines = []
    for line in text.splitlines():
        if draw(st.booleans()):
            lines.append(" " * draw(st.integers(0, 9)) + "# a remark")
        if draw(st.booleans()):
            lines.append("")
        lines.append(line + draw(st.sampled_from(("", "  ", "  # so", "\t"))))
    return "\n".join(lines).replace(", ", draw(st.sampled_from((",", ",   ", ", "))))


@settings(max_examples=60, deadline=None)
@given(projects(), st.data())
def test_comments_formatting_and_docstrings_never_change_a_digest(project, data):
    files = rendered(*project)
    restyled = {}
    for name, text in files.items():
        if data.draw(st.booleans()):
            text = ast.unparse(ast.fix_missing_locations(Documented().visit(ast.parse(text)))) + "\n"
        restyled[name] = respaced(text, data.draw)
    assert digest_of(files) == digest_of(restyled)
