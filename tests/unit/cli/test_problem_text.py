"""How a problem looks: its place, what is wrong, the line with a mark, the remedy."""

from stepwell.cli.problem_text import problem_lines
from stepwell.exceptions import Problem

SOURCE = "class F:\n    alpha = Parameter('ä', default='x')\n\tself.next(self.midle)\n\n"


def lines(tmp_path, line, what, **more):
    file = tmp_path / "flow.py"
    file.write_text(SOURCE, encoding="utf-8")
    problem = Problem(what=what, where=f"{file}:{line}", fix="Mend it.", rule="some-rule", **more)
    first, *rest = problem_lines(problem)
    assert first.startswith(f"{file}:{line}: ") and first.endswith(f"{what}.  [some-rule]")
    return rest


# SPEC 5.1-2
def test_the_line_stands_below_with_a_mark_under_what_the_message_names(tmp_path):
    assert lines(tmp_path, 3, "step `start` goes to `midle`, which does not exist") == [
        "    3 |     self.next(self.midle)",
        "      |                    ^^^^^",
        "    Mend it.",
    ]


# SPEC 5.1-2
def test_the_whole_line_is_marked_if_the_message_names_nothing_in_it(tmp_path):
    assert lines(tmp_path, 2, "the `default` of it is no `defaul`")[1] == "      | " + " " * 27 + "^" * 7
    assert lines(tmp_path, 2, "`x.y` is wrong")[1] == "      |     " + "^" * 35


# SPEC 5.1-2
def test_a_place_that_cannot_be_read_or_has_nothing_in_it_is_told_without_its_line(tmp_path):
    for line in (4, 99):
        assert lines(tmp_path, line, "it is wrong") == ["    Mend it."]
    assert list(problem_lines(Problem(what="it is wrong"))) == ["it is wrong."]


# SPEC 5.1-4
def test_a_warning_says_that_it_is_one(tmp_path):
    what = "it is doubtful"
    first = next(iter(problem_lines(Problem(what=what, where="flow.py:1", rule="r", severity="warning"))))

    assert first == "flow.py:1: warning: it is doubtful.  [r]"
