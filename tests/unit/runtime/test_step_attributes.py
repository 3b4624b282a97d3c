"""Attributes of ``self`` in a step: what is stored, what is refused, what is said of what is missing."""

from functools import cached_property

from one_task import Tasks

from stepwell import FlowSpec, step


class Names(FlowSpec):
    _cache = None
    limit = 10

    class Inner:
        pass

    def helper(self):
        return 1

    @property
    def doubled(self):
        return 2 * self.number

    @property
    def settable(self):
        return self._settable

    @settable.setter
    def settable(self, value):
        self._settable = value

    @cached_property
    def computed(self):
        return [self.number]

    @step
    def start(self):
        self.number = 1
        self._cache = {"filled": True}
        self.settable = "set"
        self.read = [self.computed, self.doubled]
        self.refused = []
        for name in (
            "helper",
            "Inner",
            "doubled",
            "computed",
            "start",
            "limit",
            "index",
            "name",
            "merge_artifacts",
        ):
            try:
                setattr(self, name, 5)
            except AttributeError as error:
                self.refused.append(f"{name}: {error}")
        self.__dict__["__hidden"] = 1
        self.next(self.end)

    @step
    def end(self):
        self.seen = [dict(self._cache), self.settable, self.number]
        self._cache["changed"] = True
        self.number = 5
        self.fresh = self.computed
        del self.read
        self.gone = []
        try:
            self.read
        except AttributeError as error:
            self.gone.append(str(error))
        try:
            del self.never
        except AttributeError as error:
            self.gone.append(str(error))


# SPEC 1.2-6
# SPEC 1.3-1
def test_no_artifact_hides_what_the_class_defines():
    tasks = Tasks(Names)
    start = tasks.ok("start")
    refused = tasks.value(start, "refused")
    kinds = [
        "method",
        "class",
        "property",
        "cached property",
        "step",
        "constant",
        "Stepwell",
        "Stepwell",
        "method",
    ]
    assert len(refused) == len(kinds)
    assert all(kind in text for kind, text in zip(kinds, refused, strict=True)), refused
    assert tasks.names(start) == {"number", "_cache", "_settable", "read", "refused", "limit"}


# SPEC 1.3-2
# SPEC 1.3-3
# SPEC 1.3-5
def test_an_artifact_wins_over_the_private_class_attribute_of_its_name_and_a_deleted_one_is_gone():
    tasks = Tasks(Names)
    start = tasks.ok("start")
    end = tasks.ok("end", [start])
    assert tasks.value(end, "seen") == [{"filled": True}, "set", 1]
    assert tasks.value(end, "_cache") == {"filled": True, "changed": True}
    assert tasks.value(start, "_cache") == {"filled": True}
    assert tasks.value(end, "fresh") == [5]  # a cached property is computed in each task, never stored
    assert not {"computed", "read"} & tasks.names(end)
    deleted, never = tasks.value(end, "gone")
    assert "has deleted 'read' (`del self.read`)" in deleted
    assert "has no artifact 'never'" in never


class Vanishing:
    """A class that the reader does not find again."""


class Unloadable(FlowSpec):
    @step
    def start(self):
        self.thing = Vanishing()
        self.next(self.end)

    @step
    def end(self):
        hasattr(self, "thing")


def test_an_artifact_that_cannot_be_loaded_is_an_error_and_never_reads_as_missing(monkeypatch):
    tasks = Tasks(Unloadable)
    start = tasks.ok("start")
    monkeypatch.delitem(globals(), "Vanishing")
    outcome = tasks.run("end", [start])
    assert not outcome.ok
    assert "The artifact 'thing' (" in outcome.error.message
    assert (
        "Vanishing" in outcome.error.message and "cannot be loaded: AttributeError" in outcome.error.message
    )
    assert outcome.error.message.startswith(f"{__file__}:")


class Failing(FlowSpec):
    @step
    def start(self):
        self.before = 1
        self.fine, self.bad = 2, (n for n in ())
        if self.before:
            raise ValueError("bad luck")
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 1.3-9
# SPEC 1.3-10
def test_a_failed_attempt_keeps_what_can_be_stored_and_its_exception_apart_from_results(capsys):
    tasks = Tasks(Failing)
    outcome = tasks.run("start")
    assert (outcome.error.type, outcome.error.message) == ("ValueError", "bad luck")
    assert outcome.transition is None
    kept = {entry.name: tasks.datastore.load("Failing", entry) for entry in tasks.failure("start").own}
    assert kept.keys() == {"before", "fine", "_exception"}
    assert kept["_exception"].exception == "bad luck"
    assert "bad luck" in kept["_exception"].stacktrace
    told = capsys.readouterr().err
    assert told == outcome.error.frames
    assert "test_step_attributes.py" in told and "step_function.py" not in told
    assert "step_function.py" in outcome.error.full_frames
