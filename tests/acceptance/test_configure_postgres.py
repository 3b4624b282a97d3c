"""``configure postgres`` tries a database out before it keeps its address."""

import json

import pytest
from command_line import on_terminal, words

from postgres import PASSWORD as SECRET


@pytest.fixture
def plain(folder):
    """A folder with a flow."""
    folder.flow()
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A directory of configuration files of the test's own."""
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# SPEC 9.4-10
def test_a_database_is_tried_out_and_kept_and_holds_for_the_next_run(plain, address, home):
    done = plain.call("-m", "stepwell", "configure", "postgres", address)
    ran = plain.run()
    shown = plain.call("-m", "stepwell", "configure", "show", "--origin")
    as_json = plain.call("-m", "stepwell", "configure", "show", "--json")
    exported = plain.call("-m", "stepwell", "configure", "export")

    assert done.returncode == 0 and "there are 0 flows in postgresql://owner@" in words(done)
    assert ran.returncode == 0 and not (plain.root / "metadata.db").exists()
    assert "DEFAULT_METADATA = postgres " in shown.stdout
    assert f"POSTGRES_URL = {address.replace(f':{SECRET}', '')} " in shown.stdout
    told = "".join(map(words, (done, ran, shown, as_json, exported)))
    assert SECRET not in told and "Left out as secret: POSTGRES_URL" in told
    assert json.loads((home / "config.json").read_text()) == {
        "DEFAULT_METADATA": "postgres",
        "POSTGRES_URL": address,
    }


# SPEC 9.4-10
def test_the_address_can_come_by_standard_input_and_for_a_profile(plain, address, home):
    done = plain.call("-m", "stepwell", "configure", "postgres", "--profile", "team", input=f"{address}\n")

    assert done.returncode == 0, words(done)
    assert json.loads((home / "config_team.json").read_text())["POSTGRES_URL"] == address


# SPEC 9.4-10
def test_on_a_terminal_the_password_is_asked_for_and_not_shown(plain, address, home):
    typed = {
        "Address of the database": address.replace(f":{SECRET}", "") + "\n",
        "Password (": f"{SECRET}\n",
    }

    text = on_terminal(plain.path, "-m", "stepwell", "configure", "postgres", typed=typed)

    assert "Kept in" in text and SECRET not in text
    assert json.loads((home / "config.json").read_text())["POSTGRES_URL"] == address


# SPEC 9.4-10
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.replace(SECRET, "wrong-Wrong"), "password authentication failed"),
        (lambda a: a.replace("postgresql://", "mysql://"), "is written postgresql://"),
        (lambda a: "db.example.org", "is written postgresql://"),
        (lambda a: "", "Which database?"),
    ],
)
def test_what_does_not_work_is_refused_and_nothing_is_written(plain, address, home, change, expected):
    done = plain.call("-m", "stepwell", "configure", "postgres", *filter(None, [change(address)]))

    told = words(done)
    assert done.returncode == 2 and expected in told, told
    assert SECRET not in told and "wrong-Wrong" not in told
    assert not home.exists()
