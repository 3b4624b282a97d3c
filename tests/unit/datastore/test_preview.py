import numpy as np
import pandas as pd
import pytest

from stepwell.datastore.preview import label_of, preview


class Rude:
    def __repr__(self):
        raise SystemExit("a preview ran the user's code")


# SPEC 12.2-4
def test_the_users_code_never_runs():
    assert preview([Rude(), {"k": Rude()}]) == f"[<{__name__}.Rude>, {{'k': <{__name__}.Rude>}}]"


# SPEC 12.2-4
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"), ((1,), "(1,)"), ({"a": [1, "b"]}, "{'a': [1, 'b']}"),
        (np.zeros((2, 3)), "numpy.ndarray 2x3 float64"), (2**600, "<int of 601 bits>"),
        (pd.DataFrame({"a": [1], "b": [2]}), "pandas.DataFrame 1x2: a, b"),
    ],
)  # fmt: skip
def test_small_values_show_themselves_and_large_ones_their_shape(value, text):
    assert preview(value) == text


def test_a_preview_is_short_whatever_the_value():
    assert len(preview([["x" * 1000] * 1000] * 1000)) <= 400


# SPEC 2.3-11
@pytest.mark.parametrize(
    ("item", "label"), [("short", "short"), (3, "3"), ("x" * 99, "'" + "x" * 26 + "...")]
)
def test_a_label_is_the_item_or_its_beginning(item, label):
    assert label_of(item) == label
