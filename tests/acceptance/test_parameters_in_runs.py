"""Parameters and constants inside a run."""


# SPEC 3.2-2
# SPEC 3.2-3
# SPEC 1.2-5
# SPEC 1.2-6
def test_parameters_and_constants_are_the_same_for_every_step(flows):
    ran = flows.run(
        """
class F(FlowSpec):
    table = Parameter("table", type=JSONType, default={"a": 1})
    words = Parameter("words", default="x,y", separator=",")
    LIST = [1]

    @step
    def start(self):
        self.table["b"] = 2
        self.words.append("z")
        self.LIST.append(2)
        self.here = [self.table, self.words, self.LIST, current.parameter_names]
        self.refused = []
        for action in (
            lambda: setattr(self, "table", 1),
            lambda: setattr(self, "LIST", 1),
            lambda: delattr(self, "words"),
            lambda: delattr(self, "LIST"),
            lambda: setattr(self, "end", 1),
            lambda: setattr(self, "helper", 1),
            lambda: setattr(self, "input", 1),
            lambda: setattr(self, "_graph", 1),
        ):
            try:
                action()
            except AttributeError as error:
                self.refused.append(str(error))
        self.next(self.work, foreach=range(2))

    def helper(self):
        pass

    @step
    def work(self):
        self.there = [dict(self.table), list(self.words), list(self.LIST)]
        self.table["c"] = self.LIST.append(3)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.there for one in inputs] + [[inputs[0].table, inputs[0].words, inputs[0].LIST]]
        self.merge_artifacts(inputs, exclude=["there"])
        self.next(self.end)

    @step
    def end(self):
        self.last = [self.table, self.words, self.LIST]
    """,
        "--words",
        "p,q",
    )
    assert ran.code == 0, ran.output
    given = [{"a": 1}, ["p", "q"], [1]]
    assert ran.value("here", "start") == [
        {"a": 1, "b": 2}, ["p", "q", "z"], [1, 2], ["table", "words"]
    ]  # fmt: skip
    assert ran.value("all") == [given] * 3
    assert ran.value("last") == given
    refused = ran.value("refused", "start")
    assert len(refused) == 8
    names = ["table", "LIST", "words", "LIST", "end", "helper", "input", "_graph"]
    assert all(f"`self.{name}`" in text for name, text in zip(names, refused, strict=True))
    assert all("fixed for the run" in text for text in refused[:4])
    assert [entry.name for entry in ran.tasks("start")[0].own] == ["here", "refused"]
    assert ran.value("table", "_parameters") == {"a": 1}
