"""``self.next`` in real runs: what goes on, and what a wrong call is told."""

import pytest

LATER = """
    @step
    def a(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


# SPEC 2.1-2
# SPEC 2.1-4
# SPEC 2.1-6
# SPEC 2.2-4
def test_inherited_overridden_and_mixed_in_steps_run_and_what_they_return_is_ignored(flows):
    (flows.folder / "base.py").write_text(
        "from stepwell import FlowSpec, step\n\n"
        "class Base(FlowSpec):\n"
        "    @step(start=True)\n    def begin(self):\n        self.x = ['base']\n        self.next(self.middle)\n"
        "    @step\n    def middle(self):\n        self.x += ['not me']\n        self.next(self.done)\n"
        "class Mixin:\n"
        "    @step(end=True)\n    def done(self):\n        self.x += ['mixin']\n        return 7\n"
    )
    ran = flows.run("""
    from base import Base, Mixin

    class F(Mixin, Base):
        @step
        def middle(self):
            self.x += ["mine"]
            self.next(self.side, self.done_too)

        @step
        def side(self):
            self.next(self.meet)

        @step
        def done_too(self):
            self.next(self.meet)

        @step
        def meet(self, anything):
            self.merge_artifacts(anything)
            self.next(self.done)
    """)
    assert ran.code == 0, ran.output
    assert ran.value("x", "done") == ["base", "mine", "mixin"]


# SPEC 2.2-1
# SPEC 2.2-2
@pytest.mark.parametrize(
    ("calls", "complaint"),
    [
        ("getattr(self, 'next')(self.end)", "went on to `self.next(self.end)`, but its source says `self.next(self.a)`"),
        ("getattr(self, 'next')(self.a)", "calls `self.next` twice, in lines 6 and 7"),
        ("getattr(self, 'next')()", "has no target"),
        ("getattr(self, 'next')(self.helper)", "got `F.helper`, which is no step of this flow"),
        ("getattr(self, 'next')(lambda: 1)", "which is no step of this flow"),
        ("getattr(self, 'next')(F(use_cli=False).a)", "got `F.a`, which is no step of this flow"),
        ("getattr(self, 'next')(self.a, speed=3)", "has no option 'speed'"),
        ("getattr(self, 'next')(self.a, self.end, foreach='x')", "`foreach` takes one target, not 2"),
        ("getattr(self, 'next')({1: self.a})", "is a switch"),
    ],
)
def test_a_wrong_transition_fails_with_the_line_of_the_call(flows, calls, complaint):
    ran = flows.run(f"""
class F(FlowSpec):
    @step
    def start(self):
        {calls}
        self.next(self.a)

    def helper(self):
        pass
{LATER}
""")
    assert ran.code == 1
    assert complaint in ran.stdout
    line = 7 if "twice" in complaint else 6
    assert f"InvalidNextException: {flows.folder / 'flow.py'}:{line}: " in ran.stdout
    assert "Traceback" not in ran.output


# SPEC 2.2-2
def test_a_step_that_leaves_before_its_transition_fails_and_says_where(flows):
    ran = flows.run(f"""
class F(FlowSpec):
    @step
    def start(self):
        if self.name:
            return
        self.next(self.a)
{LATER}
""")
    assert ran.code == 1
    assert "Step 'start' ended without `self.next`" in ran.stdout
    assert "flow.py:5" in ran.stdout or "flow.py:4" in ran.stdout
