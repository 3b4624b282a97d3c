"""Settings are changed by ``configure``, and hold for the next command."""

import json
import stat

import pytest
from command_line import Folder, on_terminal, words


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A directory of configuration files of the test's own, not there yet."""
    place = tmp_path / "home"
    monkeypatch.setenv("STEPWELL_HOME", str(place))
    return place


class Configure:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def __call__(self, *args, **more):
        """``stepwell configure ARGS``: exit code and what was said."""
        done = self._folder.call("-m", "stepwell", "configure", *args, **more)
        return done.returncode, words(done)


@pytest.fixture
def configure(folder, home):
    return Configure(folder)


# SPEC 9.4-10
def test_what_is_set_holds_for_the_next_run(configure, folder, home):
    folder.flow("print('by', current.username)")
    (folder.path / "flow.py").write_text(
        (folder.path / "flow.py").read_text().replace("import FlowSpec", "import current, FlowSpec")
    )

    assert configure("set", "default_decospecs", "resources:cpu=1", "environment:vars={}")[0] == 0
    assert configure("set", "STEPWELL_DATASTORE_ROOT", str(folder.path / "elsewhere"))[0] == 0
    done = folder.run()

    assert done.returncode == 0, words(done)
    assert (folder.path / "elsewhere" / "metadata.db").exists()
    assert "@resources" in folder.call("flow.py", "show").stdout
    assert json.loads((home / "config.json").read_text()) == {
        "DEFAULT_DECOSPECS": "resources:cpu=1 environment:vars={}",
        "DATASTORE_ROOT": str(folder.path / "elsewhere"),
    }


# SPEC 18.2-2
def test_the_files_are_for_the_user_only_and_nothing_is_left_beside_them(configure, home):
    configure("set", "SEED", "1")
    (home / "config.json").chmod(0o644)
    configure("set", "SEED", "2")
    configure("export", str(home / "out.json"))

    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {
        "config.json": 0o600,
        "out.json": 0o600,
    }
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


# SPEC 9.4-10
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATASTORE_ROOT", "a-file/store", "cannot be written: Not a directory"),
        ("DATASTORE_SYSROOT_LOCAL", "a-file", "cannot be written: Not a directory"),
        ("DEFAULT_DATASTORE", "locl", "Did you mean `local`?"),
        ("DEFAULT_METADATA", "postgre", "Did you mean `postgres`?"),
        ("POSTGRES_URL", "postgresql://ann:a@b:c@host/db", "in names and passwords write `@` as %40"),
        ("POSTGRES_URL", "mysql://ann@host/db", "is written postgresql://"),
        ("POSTGRES_URL", "host=db", "is written postgresql://"),
        ("VERIFY", "sometimes", "`always`, `new`, `never`"),
        ("FSYNC", "btach", "Did you mean `batch`?"),
        ("STORE_PATIENCE", "-1", "a number that is not negative"),
        ("STORE_PATIENCE", "nan", "a number that is not negative"),
        ("DEFAULT_DECOSPECS", "resources:cpus=2", "no attribute `cpus`"),
        ("DEFAULT_DECOSPECS", "kubernetes", "not in this version"),
        ("DEFAULT_PACKAGE_SUFFIXES", ".py,sql", "'sql' is no suffix"),
        ("FEAT_ALWAYS_UPLOAD_CODE_PACKAGE", "yes", "`true` or `false`"),
        ("SERVICE_HEADERS", "{", "must be a JSON object of texts"),
        ("SERVICE_URL", "example.org", "begins with `https://`"),
        ("SEED", " ", "configure unset SEED"),
        ("OWNR", "x", "Did you mean `OWNER`?"),
        ("RUN_TAG", "x", "is an option of commands"),
        ("PROFILE", "x", "Set STEPWELL_PROFILE"),
    ],
)
def test_a_value_that_cannot_work_is_refused_and_nothing_is_written(
    configure, folder, home, name, value, said
):
    folder.file("", "a-file")

    code, text = configure("set", name, "--", value)

    assert code == 2
    assert said in text and name in text
    assert not home.exists()


# SPEC 9.4-10
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATASTORE_ROOT", "store", "can be written; it is looked for in the directory"),
        ("VERIFY", "always", "VERIFY = always"),
        ("STORE_PATIENCE", "2.5", "STORE_PATIENCE = 2.5"),
        ("DEFAULT_DECOSPECS", "resources mine.Own", "every step gets `resources`, `mine.Own`"),
        ("UI_URL", "https://example.org", "this version does not use it yet"),
        ("USER", "ada", "Another value of USER wins over it here: environment variable STEPWELL_USER"),
        ("KUBERNETES_NAMESPACE", "x", "KUBERNETES_NAMESPACE = x"),
    ],
)
def test_setting_tells_what_came_of_trying_the_value(configure, home, name, value, said):
    code, text = configure("set", name, value)

    assert code == 0, text
    assert said in text and f"Kept in {home / 'config.json'}" in text
    assert json.loads((home / "config.json").read_text()) == {name: value}


# SPEC 9.4-10
def test_what_stands_in_the_file_keeps_its_place_and_spelling(configure, home):
    home.mkdir()
    (home / "config.json").write_text('{"stepwell_owner": "ada", "LATER_THING": {"a": 1}, "SEED": "3"}')

    configure("set", "OWNER", "bob")
    configure("unset", "SEED")

    kept = json.loads((home / "config.json").read_text())
    assert list(kept.items()) == [("stepwell_owner", "bob"), ("LATER_THING", {"a": 1})]


# SPEC 9.4-10
def test_a_link_to_a_file_kept_elsewhere_stays_a_link(configure, home, tmp_path):
    home.mkdir()
    (tmp_path / "kept.json").write_text("{}")
    (home / "config.json").symlink_to(tmp_path / "kept.json")

    configure("set", "SEED", "1")

    assert (home / "config.json").is_symlink()
    assert json.loads((tmp_path / "kept.json").read_text()) == {"SEED": "1"}


# SPEC 9.4-10
# SPEC 9.5-1
def test_a_profile_has_a_file_of_its_own_by_option_and_by_variable(configure, home, monkeypatch):
    assert configure("set", "SEED", "1", "--profile", "team")[0] == 0
    monkeypatch.setenv("STEPWELL_PROFILE", "team")
    assert configure("set", "OWNER", "ada")[0] == 0
    assert "OWNER = ada\n" in configure("show")[1]
    monkeypatch.delenv("STEPWELL_PROFILE")
    assert json.loads((home / "config_team.json").read_text()) == {"SEED": "1", "OWNER": "ada"}
    assert not (home / "config.json").exists()

    assert "SEED = 1    # " in configure("show", "--origin", "--profile", "team")[1]
    assert "SEED = \n" in configure("show")[1]
    assert configure("reset", "--yes", "--profile", "team")[0] == 0
    code, text = configure("show", "--profile", "team")
    assert code == 2 and "configure set NAME VALUE --profile team" in text


# SPEC 9.5-1
def test_the_profile_of_the_variable_can_be_made_although_it_is_missing(configure, folder, home, monkeypatch):
    monkeypatch.setenv("STEPWELL_PROFILE", "new")
    assert folder.call("-m", "stepwell", "runs").returncode == 2

    assert configure("set", "SEED", "1")[0] == 0

    assert (home / "config_new.json").exists()
    assert folder.call("-m", "stepwell", "runs").returncode == 0
    assert configure("set", "SEED", "1", "--profile", "../new")[0] == 2


# SPEC 9.4-10
def test_settings_that_stop_every_command_can_be_mended(configure, folder, home):
    home.mkdir()
    file = home / "config.json"
    file.write_text('{"DEFAULT_DATASTORE": "s3"}')
    assert folder.call("-m", "stepwell", "runs").returncode == 2
    assert configure("unset", "DEFAULT_DATASTORE")[0] == 0
    assert folder.call("-m", "stepwell", "runs").returncode == 0

    file.write_text("{ broken")
    assert configure("set", "SEED", "1")[0] == 2
    assert file.read_text() == "{ broken"
    assert configure("reset", "--yes")[0] == 0
    assert configure("set", "SEED", "1")[0] == 0


# SPEC 9.4-10
def test_a_reset_asks_first(configure, folder, home):
    configure("set", "SEED", "1")

    code, text = configure("reset")
    assert code == 2 and "--yes" in text
    refused = on_terminal(folder.path, "-m", "stepwell", "configure", "reset", typed={"?": "n\n"})
    assert "interrupted" in refused and (home / "config.json").exists()
    on_terminal(folder.path, "-m", "stepwell", "configure", "reset", typed={"?": "y\n"})
    assert not (home / "config.json").exists()
    assert configure("reset")[0] == 0


# SPEC 9.4-10
def test_an_export_can_be_imported_elsewhere(configure, folder, home):
    configure("set", "SEED", "1")
    configure("set", "STEPWELL_VERIFY", "never")
    exported = folder.call("-m", "stepwell", "configure", "export").stdout

    configure("set", "SEED", "5", "--profile", "other")
    configure("set", "OWNER", "ada", "--profile", "other")
    code, text = configure("import", "-", "--profile", "other", input=exported)

    assert code == 0 and "SEED = 1" in text
    assert json.loads((home / "config_other.json").read_text()) == {
        "SEED": "1",
        "OWNER": "ada",
        "VERIFY": "never",
    }


# SPEC 9.4-10
def test_an_import_takes_all_or_nothing_and_warns_of_unknown_names(configure, folder, home):
    folder.file('{"SEED": 1, "VERIFY": "sometimes"}', "bad.json")
    folder.file('{"SEED": 1, "OWNR": "x"}', "good.json")
    folder.file("[]", "list.json")

    for name, said in (
        ("bad.json", "VERIFY"),
        ("list.json", "must hold a JSON object"),
        ("none.json", "No such file"),
    ):
        code, text = configure("import", name)
        assert code == 2 and said in text
    assert not home.exists()

    code, text = configure("import", "good.json")
    assert code == 0 and "Unknown setting OWNR in good.json. Did you mean OWNER?" in text
    assert json.loads((home / "config.json").read_text()) == {"SEED": 1, "OWNR": "x"}


# SPEC 9.4-10
def test_an_export_does_not_replace_a_file_unasked(configure, folder):
    configure("set", "SEED", "1")
    file = folder.file("mine", "out.json")

    assert configure("export", "out.json")[0] == 2
    assert file.read_text() == "mine"
    assert configure("export", "out.json", "--overwrite")[0] == 0
    assert json.loads(file.read_text()) == {"SEED": "1"}


# SPEC 9.4-10
def test_no_secret_is_ever_printed(configure, folder, home):
    said = [
        configure("set", "SERVICE_AUTH_KEY", input="pass word\n"),
        configure("set", "SERVICE_HEADERS", '{"x": "pass word"}'),
        configure("set", "SERVICE_HEADERS", '["pass word"]'),
        configure("show", "--origin"),
        configure("show", "--json"),
        configure("export"),
        configure("export", "--with-secrets"),
        configure("export", "--with-secrets", "out.json"),
        configure("import", "out.json"),
    ]

    assert [code for code, _ in said] == [0, 0, 2, 0, 0, 0, 2, 0, 0]
    assert [text for _, text in said if "pass word" in text] == []
    assert json.loads((folder.path / "out.json").read_text()) == {
        "SERVICE_AUTH_KEY": "pass word",
        "SERVICE_HEADERS": '{"x": "pass word"}',
    }
    assert "Left out as secret: SERVICE_AUTH_KEY, SERVICE_HEADERS" in said[5][1]


# SPEC 9.4-10
def test_a_secret_is_asked_for_without_showing_it(folder, home):
    typed = {"SERVICE_AUTH_KEY:": "pass word\n"}

    text = on_terminal(folder.path, "-m", "stepwell", "configure", "set", "SERVICE_AUTH_KEY", typed=typed)

    assert "pass word" not in text
    assert json.loads((home / "config.json").read_text()) == {"SERVICE_AUTH_KEY": "pass word"}


# SPEC 9.4-10
def test_without_a_name_all_settings_are_asked_for_and_written_at_the_end(configure, folder, home):
    configure("set", "SEED", "1")
    configure("set", "FSYNC", "never")
    typed = {
        "DATASTORE_ROOT:": "\n",
        "DATASTORE_SYSROOT_LOCAL:": "\n",
        "DEFAULT_METADATA: kind": "\n",
        "DEFAULT_DECOSPECS:": "nonsense\n",
        "There is no step decorator": "resources\n",
        "DEFAULT_PACKAGE_SUFFIXES:": "\n",
        "DEFAULT_NAMESPACE:": "\n",
        "USER:": "\n",
        "LOCAL_CPU:": "\n",
        "LOCAL_MEMORY:": "\n",
        "LOCAL_GPU:": "\n",
        "LOCAL_TOKENS:": "\n",
        "STORE_PATIENCE:": "\n",
        "FSYNC:": "\n",
        "SEED:": "-\n",
        "VERIFY:": "always\n",
        "TRUST:": "\n",
        "RETENTION:": "\n",
        "SPIN_PERSIST:": "\n",
        "SPIN_ALLOWED_DECORATORS:": "\n",
        "FEAT_ALWAYS_UPLOAD_CODE_PACKAGE:": "\n",
        "OTEL_ENDPOINT:": "\n",
        "POSTGRES_URL:": "\n",
        "SERVICE_URL:": "\n",
        "SERVICE_AUTH_KEY:": "hidden words\n",
        "SERVICE_HEADERS:": "\n",
    }

    text = on_terminal(folder.path, "-m", "stepwell", "configure", "set", typed=typed)

    assert f"Kept in {home / 'config.json'}" in text
    assert json.loads((home / "config.json").read_text()) == {
        "FSYNC": "never",
        "DEFAULT_DECOSPECS": "resources",
        "VERIFY": "always",
        "SERVICE_AUTH_KEY": "hidden words",
    }
    assert "hidden words" not in text


# SPEC 9.4-10
def test_without_a_terminal_nothing_is_asked_for(configure, home):
    for args, said in ((["set"], "Which setting?"), (["set", "SEED"], "Which value?")):
        code, text = configure(*args)
        assert code == 2 and said in text
    assert not home.exists()


# SPEC 9.4-10
@pytest.mark.parametrize("name", ["aws", "azure", "gcp", "kubernetes"])
def test_a_back_end_that_is_still_to_come_is_refused_in_clear_words(configure, name):
    code, text = configure(name, "--profile", "x")

    assert code == 2
    assert f"`configure {name}` is not in this version" in text


# SPEC 9.1-3
def test_configure_alone_prints_its_help_and_a_wrong_name_gets_the_nearest(configure):
    assert configure()[0] == 0 and "unset" in configure()[1]
    code, text = configure("exprt")
    assert code == 2 and "Did you mean `export`?" in text


# SPEC 9.4-10
def test_unsetting_what_is_not_set_is_no_error_but_a_wrong_name_is(configure, home):
    assert configure("unset", "SEED") == (0, f"SEED was not set in {home / 'config.json'}.\n")
    code, text = configure("unset", "SED")
    assert code == 2 and "Did you mean `SEED`?" in text


# SPEC 9.4-10
def test_a_file_that_cannot_be_written_is_named(configure, folder, home):
    folder.file("", "home")

    code, text = configure("set", "SEED", "1")

    assert code == 2 and str(home / "config.json") in text
