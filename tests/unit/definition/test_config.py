"""Configs are read before all else of a flow; expressions over them stand in for values until then."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from flow_sources import flow_from

from stepwell.definition.config import config_expr
from stepwell.definition.config_sources import resolve_configs
from stepwell.definition.configs_given import ConfigsGiven
from stepwell.definition.flow_definition import define
from stepwell.definition.flow_source import source_of, take_source
from stepwell.definition.graph_info import graph_info
from stepwell.definition.parameter_values import resolve
from stepwell.exceptions import FlowError, InvalidDecoratorAttribute, UsageError

HEAD = "from stepwell import Config, config_expr, environment, resources, retry, timeout\n"
STEP = "    @step\n    def start(self):\n        pass\n"


def flow_with(body: str, decorators: str = "", head: str = "") -> type:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    decorated = "".join(f"    {line}\n" for line in decorators.splitlines())
    return flow_from(f"{HEAD}{head}class F(FlowSpec):\n{lines}{decorated}{STEP}")


def given(**values: object) -> ConfigsGiven:
    return ConfigsGiven(values=values)


def complaint(flow: type, configs: ConfigsGiven) -> str:
    with pytest.raises(UsageError) as raised:
        resolve_configs(flow, configs)
    return str(raised.value)


# SPEC 3.4-6
# SPEC 4.1-4
def test_expressions_in_decorators_are_computed_once_configs_are_known():
    flow = flow_with(
        "cfg = Config('cfg')",
        "@retry(times=cfg.retries, **cfg.more)\n"
        "@resources(cpu=cfg['cpus'][1], memory=config_expr('cfg.gib * UNIT'))\n"
        "@environment(vars={'A': cfg.env.A, **cfg.env})",
        head="UNIT = 1024\n",
    )

    definition = define(
        flow,
        configs=given(
            cfg={"retries": 2, "cpus": [1, 4], "gib": 3, "more": {"delay": 7}, "env": {"A": "x", "B": "y"}}
        ),
    )

    policy = definition.policies["start"]
    assert (policy.retry.times, policy.retry.delay_s) == (2, 7)
    assert (policy.resources.cpu, policy.resources.memory_mb) == (4, 3072)
    assert dict(policy.variables) == {"A": "x", "B": "y"}


# SPEC 3.4-6
def test_one_class_can_be_defined_with_other_configs_again():
    flow = flow_with("cfg = Config('cfg')\nrate = Parameter('rate', default=cfg.rate)", "@retry(times=cfg.n)")

    first, second = (define(flow, configs=given(cfg={"n": n, "rate": n / 2})) for n in (1, 5))

    assert [one.policies["start"].retry.times for one in (first, second)] == [1, 5]
    assert [resolve(flow, {}, one.scope) for one in (first, second)] == [{"rate": 0.5}, {"rate": 2.5}]
    assert first.parameters[0].type_name == "float"


# SPEC 3.1-11
# SPEC 3.1-10
def test_parameters_may_be_said_in_expressions_and_functions_of_defaults_see_configs():
    flow = flow_with(
        "cfg = Config('cfg')\n"
        "a = Parameter('a', default=cfg.a, help=config_expr('cfg.word.upper()'), required=cfg.needed)\n"
        "b = Parameter('b', default=lambda context: context.configs['cfg'].a + 1, type=int)"
    )
    definition = define(flow, configs=given(cfg={"a": 3, "word": "deep", "needed": True}))

    assert resolve(flow, {}, definition.scope) == {"a": 3, "b": 4}
    first = definition.parameters[0]
    assert (first.help, first.default_shown, first.required) == ("DEEP", "3", False)


# SPEC 3.4-6
@pytest.mark.parametrize(
    ("decorator", "error", "words"),
    [
        ("@retry(times=cfg.absent)", FlowError, ["@retry: `times` is `cfg.absent`", "no 'absent'"]),
        ("@retry(times=config_expr('cfg.n / 0'))", FlowError, ["`cfg.n / 0`", "ZeroDivisionError"]),
        ("@retry(times=cfg.word)", InvalidDecoratorAttribute, ["@retry", "'many'"]),
        ("@retry(**cfg.n)", FlowError, ["`**cfg.n`", "int, no mapping"]),
        ("@retry(**cfg.part)", InvalidDecoratorAttribute, ["no attribute `tims`", "`times`"]),
    ],
)
def test_an_expression_that_cannot_be_used_is_named_with_its_decorator(decorator, error, words):
    flow = flow_with("cfg = Config('cfg')", decorator)

    with pytest.raises(error) as raised:
        define(flow, configs=given(cfg={"n": 1, "word": "many", "part": {"tims": 1}}))

    assert [word for word in words if word not in str(raised.value)] == []
    assert re.match(r".+:\d+: @retry", str(raised.value)), "the place of the step"


# SPEC 3.4-6
@pytest.mark.parametrize(
    "use", ["cfg.a + 1", "2 * cfg.a", "bool(cfg.a)", "list(cfg.a)", "cfg.a > 1", "'x' in cfg.a", "len(cfg)"]
)
def test_computing_with_a_config_in_the_class_body_is_explained(use):
    with pytest.raises(FlowError, match=r"while the flow's file is imported(.|\n)*config_expr"):
        flow_with(f"cfg = Config('cfg')\nvalue = {use}")


def test_text_that_is_no_expression_is_refused_where_it_stands():
    with pytest.raises(FlowError, match="no Python expression"):
        config_expr("cfg.")
    with pytest.raises(FlowError, match="as text, not 3"):
        config_expr(3)  # type: ignore[arg-type]


# SPEC 3.4-2
def test_what_is_given_comes_before_defaults_and_names_are_alike_with_dashes(tmp_path):
    file, other = tmp_path / "a.json", tmp_path / "b.json"
    file.write_text('{"from": "default"}')
    other.write_text('{"from": "given"}')
    flow = flow_with(
        f"by_path = Config('by-path', default={str(file)!r})\n"
        f"by_function = Config('by-function', default=lambda context: {str(file)!r})\n"
        "by_value = Config('by-value', default_value='{\"from\": \"text\"}')\n"
        "by_dict = Config('by-dict', default_value={'from': 'dict'})\n"
        "computed = Config(default_value=lambda context: {'from': context.parameter_name})\n"
        "absent = Config()"
    )

    assert {name: value and value["from"] for name, value in resolve_configs(flow).items()} == {
        "by_path": "default",
        "by_function": "default",
        "by_value": "text",
        "by_dict": "dict",
        "computed": "computed",
        "absent": None,
    }
    asked = ConfigsGiven(paths={"by_path": str(other)}, values={"by_value": '{"from": "option"}'})
    found = resolve_configs(flow, asked)
    assert (found["by_path"], found["by_value"]) == ({"from": "given"}, {"from": "option"})


# SPEC 3.4-3
def test_text_is_json_unless_a_parser_reads_it_and_plain_takes_anything():
    flow = flow_with(
        "read = Config('read', parser=lambda text: dict(pair.split('=') for pair in text.split()))\n"
        "named = Config('named', parser='json.loads')\n"
        "bundled = Config('bundled', parser='.toml_parser')\n"
        "text = Config('text', plain=True)\n"
        "items = Config('items', plain=True, parser='json.loads')"
    )

    found = resolve_configs(
        flow, given(read="a=1 b=2", named='{"x": 1}', bundled="[part]\nn = 3", text="{", items="[1, 2]")
    )

    assert found == {
        "read": {"a": "1", "b": "2"},
        "named": {"x": 1},
        "bundled": {"part": {"n": 3}},
        "text": "{",
        "items": [1, 2],
    }


# SPEC 3.4-4
def test_all_that_is_wrong_is_said_at_once(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"a":\n 1,}')
    flow = flow_with(
        "needed = Config('needed', required=True)\n"
        "absent = Config('absent', default='nowhere.json')\n"
        "broken = Config('broken')\n"
        "listed = Config('listed')\n"
        "deep = Config('deep')\n"
        "parsed = Config('parsed', parser=lambda text: 1 / 0)\n"
        "imported = Config('imported', parser='no.such.thing')\n"
        "both = Config('both', default='x', default_value={})\n"
        "twice = Config('twice')"
    )
    asked = ConfigsGiven(
        paths={"broken": str(bad), "twice": str(bad)},
        values={
            "listed": "[1]",
            "deep": "[" * 1_000_000,
            "parsed": "x",
            "imported": "x",
            "twice": "{}",
            "nedeed": "{}",
        },
    )

    said = complaint(flow, asked)

    for words in (
        "`needed` has no value",
        "`--config needed FILE`",
        "nowhere.json (the default) cannot be read",
        "not valid JSON at line 2, column ",
        "`listed`: the value given is list",
        "`deep`: the text given is JSON that is nested too deeply",
        "plain=True",
        "`parsed`: its parser `<lambda>` failed on the text given: ZeroDivisionError",
        "`imported`: its parser `no.such.thing` cannot be imported",
        "`both` has both `default` and `default_value`",
        "`twice` is given a file and a value",
        "no Config `nedeed`. Did you mean `needed`?",
    ):
        assert words in said


@dataclass
class Model:
    depth: int
    name: str = "tree"


# SPEC 3.4-11
def test_a_config_with_a_type_is_checked_and_steps_see_that_type():
    flow = flow_with(
        "model = Config('model', type=Model)",
        "@retry(times=model.depth)",
        head=f"from {__name__} import Model\n",
    )

    definition = define(flow, configs=given(model={"depth": 2}))

    assert definition.configs == {"model": {"depth": 2}}
    assert definition.scope.configs["model"] == Model(2)
    assert definition.policies["start"].retry.times == 2
    text = '{\n "name": "x",\n "depth": "deep"}'
    assert "at `$.depth`, line 3" in complaint(flow, given(model=text))


# SPEC 3.4-7
def test_configs_are_in_the_description_of_the_graph():
    flow = flow_with("cfg = Config('cfg')\na = Parameter('a', default=1)")

    info = graph_info(define(flow, configs=given(cfg={"a": [1, {"b": 2}]})))

    assert info["configs"] == {"cfg": {"a": [1, {"b": 2}]}}
    assert info["parameters"] == [{"name": "a", "type": "Parameter"}, {"name": "cfg", "type": "Config"}]
    assert json.loads(json.dumps(info)) == info


# SPEC 3.4-7
def test_another_interpreter_is_given_values_of_any_size():
    flow = flow_with("cfg = Config('cfg')")
    value = {"words": [f"word {number}" for number in range(40_000)]}

    variables = source_of(define(flow, configs=given(cfg=value))).variables()

    assert max(map(len, variables.values())) < 128 * 1024
    assert resolve_configs(flow, take_source(dict(variables)).given_configs()) == {"cfg": value}


# SPEC 4.4-1
def test_configs_of_base_classes_are_inherited_and_may_be_replaced():
    flow = flow_from(
        f"{HEAD}class Base:\n"
        "    shared = Config('shared', default_value={'n': 1})\n"
        "    own = Config('own', default_value={'n': 1})\n"
        "class F(Base, FlowSpec):\n"
        "    own = Config('own', default_value={'n': 2})\n"
        "    @retry(times=Base.shared.n)\n" + STEP
    )

    definition = define(flow)

    assert definition.configs == {"shared": {"n": 1}, "own": {"n": 2}}
    assert definition.policies["start"].retry.times == 1
