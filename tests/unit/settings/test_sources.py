import json
import os

import pytest

from stepwell.exceptions import StepwellUnknownUser, UsageError
from stepwell.settings.keys import GENERAL_KEYS
from stepwell.settings.settings import Value
from stepwell.settings.sources import load_settings
from stepwell.settings.user import current_user


@pytest.fixture
def place(tmp_path):
    """A home with a user's file, a project with a file of its own, and a folder deep inside it."""
    (tmp_path / "home").mkdir()
    inner = tmp_path / "project" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "project" / ".stepwell").mkdir()
    return tmp_path


def load(place, environ=None, overrides=None):
    surroundings = {"STEPWELL_HOME": str(place / "home"), "USER": "ada", **(environ or {})}
    return load_settings(overrides, surroundings, place / "project" / "a" / "b")


# SPEC 9.5-1
def test_each_source_wins_over_the_ones_below_it(place):
    (place / "home" / "config.json").write_text('{"OWNER": "user file", "UI_URL": "user file"}')
    assert load(place).text("OWNER") == "user file"
    (place / "project" / ".stepwell" / "config.json").write_text('{"STEPWELL_OWNER": "project file"}')
    assert load(place).text("OWNER") == "project file"
    variables = {"STEPWELL_OWNER": "variable"}
    assert load(place, variables).text("OWNER") == "variable"
    assert load(place, variables, {"OWNER": Value("line", "command line")}).text("OWNER") == "line"
    assert load(place).text("UI_URL") == "user file"


# SPEC 9.5-4
def test_each_value_knows_where_it_comes_from(place):
    (place / "home" / "config.json").write_text('{"OWNER": "x"}')
    settings = load(place, {"STEPWELL_UI_URL": "y"})
    assert settings.value("OWNER").origin == str(place / "home" / "config.json")
    assert settings.value("UI_URL").origin == "environment variable STEPWELL_UI_URL"
    assert settings.value("TEMPDIR").origin == "default"


# SPEC 9.5-1
def test_a_named_profile_without_a_file_is_an_error(place):
    with pytest.raises(UsageError, match=r"config_team\.json does not exist"):
        load(place, {"STEPWELL_PROFILE": "team"})


# SPEC 9.5-4
def test_an_unknown_key_gets_a_warning_with_the_nearest_name(place):
    settings = load(place, {"STEPWELL_OWNR": "x"})
    assert settings.warnings == (
        "Unknown setting STEPWELL_OWNR in the environment. Did you mean STEPWELL_OWNER?",
    )


SPECIFIED = """
DEFAULT_DATASTORE DEFAULT_METADATA DEFAULT_ENVIRONMENT DEFAULT_EVENT_LOGGER DEFAULT_MONITOR DEFAULT_DECOSPECS
DEFAULT_PACKAGE_SUFFIXES DEFAULT_NAMESPACE USER OWNER PROFILE HOME UI_URL TEMPDIR RUNTIME_NAME
PRODUCTION_TOKEN CLIENT_CACHE_PATH CLIENT_CACHE_MAX_SIZE DEFAULT_RUNTIME_LIMIT
SPIN_PERSIST SPIN_ALLOWED_DECORATORS FEAT_ALWAYS_UPLOAD_CODE_PACKAGE
OTEL_ENDPOINT SERVICE_URL SERVICE_AUTH_KEY SERVICE_HEADERS
"""


# SPEC 9.5-2
def test_every_general_key_is_known_in_files_and_in_the_environment(place):
    assert set(SPECIFIED.split()) <= set(GENERAL_KEYS)
    names = [*(set(SPECIFIED.split()) - {"HOME", "PROFILE"}), "DEBUG_SCHEDULER", "debug_anything"]
    (place / "home" / "config.json").write_text(json.dumps(dict.fromkeys(names, "x")))

    from_file = load(place)
    from_environment = load(place, {f"STEPWELL_{name.upper()}": "y" for name in names})

    assert from_file.warnings == from_environment.warnings == ()
    assert {from_file.text(name.upper()) for name in names} == {"x"}
    assert {from_environment.text(name.upper()) for name in names} == {"y"}


# SPEC 9.5-4
@pytest.mark.parametrize(
    ("name", "near"),
    [("DEFAULT_DATASTOR", "DEFAULT_DATASTORE"), ("stepwell_verfy", "VERIFY"), ("MAX_ANYTHING_AT_ALL", None)],
)
def test_an_unknown_key_of_a_file_gets_a_warning_with_the_nearest(place, name, near):
    file = place / "home" / "config.json"
    file.write_text(json.dumps({name: "x"}))

    (warning,) = load(place).warnings

    assert warning.startswith("Unknown setting ") and str(file) in warning
    assert warning.endswith(f"Did you mean {near}?" if near else f"{file}.")


# SPEC 9.1-7
def test_variables_of_options_and_back_ends_are_no_unknown_keys(place):
    known = {"STEPWELL_RUN_ALPHA": "1", "STEPWELL_S3_ENDPOINT_URL": "x", "STEPWELL_QUIET": "1"}
    assert load(place, known).warnings == ()


def test_a_file_that_is_no_json_is_named(place):
    (place / "home" / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json is not valid JSON"):
        load(place)


# SPEC 12.1-1
def test_the_datastore_is_the_nearest_one_above(place):
    assert load(place).datastore_root == place / "project" / ".stepwell"


# SPEC 12.1-1
def test_without_one_above_the_datastore_is_in_the_working_directory(tmp_path):
    settings = load_settings(environ={"STEPWELL_HOME": str(tmp_path)}, directory=tmp_path)
    assert settings.datastore_root == tmp_path / ".stepwell"


# SPEC 12.1-1
def test_the_variable_names_the_parent_and_the_option_the_datastore_itself(place):
    variables = {"STEPWELL_DATASTORE_SYSROOT_LOCAL": "/data"}
    assert str(load(place, variables).datastore_root) == "/data/.stepwell"
    option = {"DATASTORE_ROOT": Value("/own", "command line")}
    assert str(load(place, variables, option).datastore_root) == "/own"


# SPEC 9.5-5
@pytest.mark.parametrize(
    ("environ", "user"),
    [
        ({"STEPWELL_USER": "a", "SUDO_USER": "b", "USERNAME": "c", "USER": "d"}, "a"),
        ({"SUDO_USER": "b", "USERNAME": "c", "USER": "d"}, "b"),
        ({"USERNAME": "c", "USER": "d"}, "c"),
        ({"USER": "d"}, "d"),
    ],
)
def test_the_first_variable_that_names_a_user_decides(tmp_path, environ, user):
    assert current_user({"STEPWELL_HOME": str(tmp_path), **environ}) == user


# SPEC 9.5-5
def test_without_a_variable_the_account_s_name_is_the_user(tmp_path):
    import os
    import pwd

    assert current_user({"STEPWELL_HOME": str(tmp_path)}) == pwd.getpwuid(os.getuid()).pw_name


# SPEC 9.5-5
def test_a_user_that_cannot_be_found_is_an_error(tmp_path):
    from stepwell.settings.settings import Settings

    with pytest.raises(StepwellUnknownUser, match="STEPWELL_USER"):
        _ = Settings(values={}, directory=tmp_path).user


def test_a_number_that_is_none_is_refused_with_its_origin(place):
    with pytest.raises(UsageError, match=r"STEPWELL_STORE_PATIENCE must be a number.*environment variable"):
        load(place, {"STEPWELL_STORE_PATIENCE": "soon"}).number("STORE_PATIENCE")


# SPEC 18.2-1
def test_a_datastores_own_file_cannot_say_whom_to_trust_and_the_users_can(tmp_path):
    own, project = tmp_path / "home", tmp_path / ".stepwell"
    for place, text in ((own, "/mine"), (project, "all")):
        place.mkdir()
        (place / "config.json").write_text(f'{{"TRUST": "{text}"}}')

    settings = load_settings(environ={"STEPWELL_HOME": str(own)}, directory=tmp_path)

    assert settings.text("TRUST") == "/mine"
    assert any("TRUST" in warning and str(project) in warning for warning in settings.warnings)


# SPEC 9.5-1
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_home_that_may_not_be_entered_holds_no_settings(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.json").write_text('{"OWNER": "root"}')

    os.seteuid(65534)
    try:
        settings = load_settings(environ={"STEPWELL_HOME": str(home)}, directory=home / "work")
    finally:
        os.seteuid(0)

    assert settings.text("OWNER") == ""
    assert settings.datastore_root == home / "work" / ".stepwell"
