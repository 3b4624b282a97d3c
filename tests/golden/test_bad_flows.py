from bad_flows import FLOWS, SAID, said_of_all


# SPEC 5.1-2
# SPEC 5.3-6
def test_what_is_said_of_bad_flows_is_as_it_was_read_and_approved():
    said = said_of_all()

    assert said == SAID.read_text(encoding="utf-8"), "Run `make golden` and read the difference."
    assert said.count("\n## ") + 1 == len(FLOWS)
    assert "Traceback" not in said
