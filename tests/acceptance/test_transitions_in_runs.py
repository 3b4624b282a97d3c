"""``self.next`` in real runs: what goes on, and what a wrong call is told."""

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
        "    @step(start=True)\n    def begin(self):\n"
        "        self.x = ['base']\n        self.next(self.middle)\n"
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
    assert f"InvalidNextException: {flows.folder / 'flow.py'}:" in ran.stdout
    assert "Traceback" not in ran.output
