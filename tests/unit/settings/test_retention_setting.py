from pathlib import Path

import pytest

from stepwell.exceptions import UsageError
from stepwell.settings.retention import age_of, drop_rule, parse_retention, retention_of
from stepwell.settings.settings import Settings, Value
from stepwell.upkeep.retention import DropRule, Retention, Rules


# SPEC 12.5-2
def test_rules_are_read_from_one_object():
    text = """{"keep_last": 5, "keep_days": 30, "keep_successful": true, "keep_tags": ["best"],
        "flows": {"Train": {"keep_last": 2}}, "drop_artifacts": {"fit/model": "30d"}}"""

    found = parse_retention(text, "here")

    assert found == Retention(
        general=Rules(keep_last=5, keep_days=30, keep_successful=True, keep_tags=("best",)),
        flows={"Train": Rules(keep_last=2)},
        drops=(DropRule("fit/model", 30 * 86400.0, "fit/model older than 30d"),),
    )


def test_nothing_set_keeps_everything():
    assert retention_of(Settings(values={}, directory=Path())) == Retention()
    assert retention_of(Settings(values={"RETENTION": Value(" ", "x")}, directory=Path())) == Retention()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("keep_last=5", "JSON object"),
        ('{"keep_lst": 5}', "keep_lst"),
        ('{"keep_last": "5"}', "keep_last"),
        ('{"keep_last": -1}', "negative"),
        ('{"flows": {"F": {"keep_day": 5}}}', "keep_day"),
        ('{"drop_artifacts": {"model": "30d"}}', "STEP/NAME"),
        ('{"drop_artifacts": {"fit/model": "a while"}}', "30d"),
    ],
)
def test_what_is_wrong_with_rules_is_said_and_where_they_come_from(text, word):
    with pytest.raises(UsageError, match=word):
        parse_retention(text, "config.json")


def test_an_age_is_a_number_with_a_unit():
    assert age_of("1.5h", "--grace") == 5400.0
    with pytest.raises(UsageError, match="--grace"):
        age_of("5", "--grace")
    with pytest.raises(UsageError, match="STEP/NAME"):
        drop_rule("a/b/c/d", "5d")
