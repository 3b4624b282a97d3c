import copy
import json
import pickle

import pytest

from stepwell import ConfigValue

NESTED = {"model": {"depth": 3, "layers": [{"width": 8}, 2]}, "name": "x"}


# SPEC 3.4-5
def test_items_read_as_attributes_at_any_depth():
    config = ConfigValue(NESTED)

    assert config.model.depth == config["model"]["depth"] == 3
    assert config.model.layers[0].width == 8
    assert list(config) == ["model", "name"] and "name" in config


def test_it_equals_the_dictionary_and_gives_it_back():
    config = ConfigValue(NESTED)

    assert config == NESTED and config.to_dict() == NESTED
    plain = config.to_dict()
    plain["model"]["layers"][0]["width"] = 9
    assert config.model.layers[0].width == 8


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda c: c.copy(), lambda c: pickle.loads(pickle.dumps(c))]
)
def test_copies_are_equal_and_as_fixed(again):
    twin = again(ConfigValue(NESTED))

    assert twin == NESTED and twin.model.depth == 3
    with pytest.raises(TypeError, match="cannot be changed"):
        twin.model["depth"] = 4


def test_it_can_be_written_as_json():
    assert json.loads(json.dumps(ConfigValue(NESTED))) == NESTED


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(a=1),
        lambda c: c.pop("name"),
        lambda c: c.popitem(),
        lambda c: c.clear(),
        lambda c: c.setdefault("b", 1),
        lambda c: c.__setitem__("name", 1),
        lambda c: c.__delitem__("name"),
        lambda c: setattr(c, "name", 1),
        lambda c: delattr(c, "name"),
        lambda c: c.__ior__({"a": 1}),
    ],
)
def test_no_change_is_allowed(change):
    config = ConfigValue(NESTED)

    with pytest.raises(TypeError, match="to_dict"):
        change(config)
    assert config == NESTED


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no 'nam'.*'model', 'name'"):
        ConfigValue(NESTED).nam
