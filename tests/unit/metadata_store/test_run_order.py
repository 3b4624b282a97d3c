import pytest

from stepwell.metadata_store.run_order import run_number


@pytest.mark.parametrize(("run", "number"), [("1", 1), ("007", 7), ("4611686018427387903", 2**62 - 1)])
def test_a_decimal_id_is_its_number(run, number):
    assert run_number(run) == number


@pytest.mark.parametrize("run", ["", "nightly", "-1", "1.5", "1_000", "²", "٣", str(2**62), "9" * 40])
def test_any_other_id_has_no_number(run):
    assert run_number(run) == 0
