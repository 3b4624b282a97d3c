"""The metadata of a team behind a server: real flows, by the command line, with a real `stepwell server`."""

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import content, nothing_left, until, words
from team_server import team_server

from stepwell.client import Flow, Run, get_metadata, metadata
from stepwell.exceptions import StoreUnavailable, UsageError

FLOW = """
import os, time
from stepwell import FlowSpec, Flow, current, step

class F(FlowSpec):
    @step
    def start(self):
        self.items = range(4)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        {body}
        self.number = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.numbers = sorted(one.number for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        {end}

if __name__ == "__main__":
    F()
"""
WAIT = """
        if self.input == 3:
            open("began", "w").close()
            while not os.path.exists("go"):
                time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that tests of this module share which do not mind the runs of others."""
    with team_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def own_server(tmp_path):
    """A server of the test's own, to be killed."""
    with team_server(tmp_path / "server") as server:
        yield server


def member(folder, monkeypatch, address, body="pass", end="pass"):
    """Have the folder's runs on record at the server, as the environment says."""
    monkeypatch.setenv("STEPWELL_DEFAULT_METADATA", "service")
    monkeypatch.setenv("STEPWELL_SERVICE_URL", address)
    monkeypatch.chdir(folder.path)
    folder.file(FLOW.format(body=body, end=end))
    return folder


@pytest.fixture
def team(folder, server, monkeypatch):
    return member(folder, monkeypatch, server.address)


def said(folder):
    return content(folder.path / "out.txt") + content(folder.path / "err.txt")


# SPEC 12.4-1, 9.5-2
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_run_is_on_record_at_the_server_and_its_tasks_can_look_it_up(
    folder, own_server, monkeypatch, isolation
):
    look = "assert len(list(Flow('F'))) == 1; self.me = current.run"
    team = member(folder, monkeypatch, own_server.address, end=look)

    done = team.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert not (team.root / "metadata.db").exists()
    run = Run("F/1")
    assert run.successful and run["join"].task["numbers"].data == [0, 1, 2, 3]
    assert run["end"].task["me"].data == run
    assert get_metadata() == own_server.address


# SPEC 12.4-1
def test_a_failed_run_is_continued_and_another_resumed(folder, own_server, monkeypatch):
    team = member(
        folder, monkeypatch, own_server.address, "assert self.input < 3 or os.path.exists('mended')"
    )

    failed = team.run("--max-workers", "1")
    (team.path / "mended").touch()
    continued = team.call("flow.py", "continue")
    resumed = team.call("flow.py", "resume", "join")

    assert (failed.returncode, continued.returncode, resumed.returncode) == (1, 0, 0), words(resumed)
    assert [run.id for run in Flow("F")] == ["2", "1"]
    assert all(run["join"].task["numbers"].data == [0, 1, 2, 3] for run in Flow("F"))


# SPEC 12.3-4, 12.4-1
def test_runs_at_the_same_time_have_different_ids_and_both_succeed(folder, own_server, monkeypatch, tmp_path):
    team = member(folder, monkeypatch, own_server.address)

    started = [
        subprocess.Popen([sys.executable, "flow.py", "run"], cwd=team.path, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]

    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert sorted(run.id for run in Flow("F")) == ["1", "2", "3"]
    assert all(run.successful and len(list(run["work"])) == 4 for run in Flow("F"))


# SPEC 10.1-6
def test_the_client_can_be_told_the_address(team, server, monkeypatch):
    assert team.run("--tag", "told").returncode == 0
    monkeypatch.delenv("STEPWELL_DEFAULT_METADATA")

    for address in (server.address, f"service@{server.address}"):
        assert metadata(address) == get_metadata() == server.address
        assert Flow("F").latest_successful_run.successful
    run = Flow("F").latest_run
    run.add_tag("seen")
    assert {"told", "seen"} <= set(Run(run.pathspec).user_tags)


# SPEC 9.2-2
def test_the_address_can_be_given_on_the_command_line_alone(folder, server):
    folder.file(FLOW.format(body="pass", end="assert Flow('F')[current.run_id].user_tags == {'typed'}"))

    done = folder.call("flow.py", "--metadata", server.address, "run", "--tag", "typed")
    shown = folder.call("-m", "stepwell", "--metadata", server.address, "runs", "--tag", "typed")
    text = folder.file(FLOW.format(body="pass", end="print('newest', Flow('F').latest_run.user_tags)"))
    spun = folder.call(text.name, "--metadata", server.address, "spin", "end")

    assert done.returncode == spun.returncode == 0, words(done) + words(spun)
    assert "newest frozenset({'typed'})" in words(spun)
    assert "succeeded" in words(shown)
    assert not (folder.root / "metadata.db").exists()


# SPEC 12.4-1, 12.4-3
def test_a_server_that_is_killed_in_the_middle_of_a_run_is_waited_for_and_nothing_is_lost(
    folder, own_server, monkeypatch, mark
):
    asking = "open(f'asks-{self.input}', 'w').close(); self.run_asked_for = current.run.pathspec"
    body = f"{WAIT.strip()}\n        {asking}"
    team = member(folder, monkeypatch, own_server.address, body)
    process = team.begin("--max-workers", "2")
    until((team.path / "began").exists, "the task has begun")

    own_server.kill()
    (team.path / "go").touch()
    until((team.path / "asks-3").exists, "a step asks for its run")
    # What the step says of its wait may be shown later: the run process waits as well.
    until(lambda: "Waiting for the store" in said(team), "the wait is told")
    own_server.start()

    assert process.wait(60) == 0, said(team)
    assert "The store serves again" in said(team) and "Traceback" not in said(team)
    run = Run("F/1")
    assert run.successful and run["join"].task["numbers"].data == [0, 1, 2, 3]
    assert len(list(run["work"])) == 4 and run.finished_at is not None
    assert all(task.successful for step in run for task in step)
    assert {task.data.run_asked_for for task in run["work"]} == {"F/1"}


# SPEC 12.4-3
def test_a_run_whose_process_is_killed_is_lost_for_who_asks_the_server(folder, own_server, monkeypatch, mark):
    team = member(folder, monkeypatch, own_server.address, WAIT.strip())
    process = team.begin("--max-workers", "2")
    until((team.path / "began").exists, "the task has begun")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)

    shown = team.call("-m", "stepwell", "runs")

    assert "lost" in words(shown)
    (team.path / "go").touch()
    done = team.call("flow.py", "continue")
    assert done.returncode == 0, words(done)
    assert Run("F/1").successful


def test_without_a_server_a_run_waits_for_it_in_words_and_then_fails_cleanly(folder, monkeypatch):
    team = member(folder, monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setenv("STEPWELL_STORE_PATIENCE", "0.3")

    done = team.run()

    assert done.returncode in (1, 2)
    text = words(done)
    assert "http://127.0.0.1:9 does not answer: nothing listens there" in text
    assert "Is `stepwell server` running there" in text and "Waiting for the store" in text


# SPEC 14.1-2
def test_the_key_lets_in_and_a_wrong_one_is_told_in_words_without_being_repeated(
    folder, monkeypatch, tmp_path
):
    tokens = str(tmp_path / "tokens.json")
    make = ("-m", "stepwell", "server", "token", "add", "--tokens", tokens)
    secret = folder.call(*make, "ci").stdout.strip()
    reader = folder.call(*make, "eye", "--role", "read").stdout.strip()
    with team_server(tmp_path / "server", "--tokens", tokens) as server:
        team = member(folder, monkeypatch, server.address)
        monkeypatch.setenv("STEPWELL_STORE_PATIENCE", "60")
        ended = {}
        for key in (secret, secret + "x", reader, ""):
            monkeypatch.setenv("STEPWELL_SERVICE_AUTH_KEY", key)
            ended[key] = team.run()
        looked = team.call("-m", "stepwell", "runs", env={**os.environ, "STEPWELL_SERVICE_AUTH_KEY": reader})
        elsewhere = ("-m", "stepwell", "--datastore-root", str(tmp_path / "no results"), "runs")
        unknown = team.call(*elsewhere, env={**os.environ, "STEPWELL_SERVICE_AUTH_KEY": secret + "x"})

        assert ended[secret].returncode == 0, words(ended[secret])
        assert "does not know that token" in words(ended[secret + "x"])
        assert "This token may only read" in words(ended[reader])
        assert "wants a token; clients of Stepwell send STEPWELL_SERVICE_AUTH_KEY" in words(ended[""])
        assert {one.returncode for key, one in ended.items() if key != secret} == {2}
        assert "succeeded" in words(looked)
        assert unknown.returncode == 2 and "does not know that token" in words(unknown)
        texts = [words(one) for one in ended.values()] + [words(looked), server.said]
        assert not any(text for text in texts if secret in text or reader in text)
    stored = [file.read_bytes() for file in folder.root.rglob("*") if file.is_file()]
    assert not [text for text in stored if secret.encode() in text]


# SPEC 9.5-2
def test_the_key_goes_to_the_server_that_the_settings_name_and_to_no_other(folder, monkeypatch, tmp_path):
    with team_server(tmp_path / "server") as server:
        monkeypatch.setenv("STEPWELL_SERVICE_AUTH_KEY", "for-the-other-one")
        folder.file(FLOW.format(body="pass", end="pass"))

        with monkeypatch.context() as named:
            named.setenv("STEPWELL_SERVICE_URL", "http://127.0.0.1:9")
            to_another = folder.call("flow.py", "--metadata", server.address, "run")
        to_this = folder.call("flow.py", "--metadata", server.address, "run")

    assert to_another.returncode == 0, words(to_another)
    assert to_this.returncode == 2 and "does not know that token" in words(to_this)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "SERVICE_URL",
            "",
            "nothing says where. Set STEPWELL_SERVICE_URL, or call `stepwell configure server`",
        ),
        ("SERVICE_URL", "ftp://host", "cannot be understood"),
        ("SERVICE_URL", "http://ann:hush@host", "holds no user and password"),
        ("SERVICE_URL", "http://host/?key=hush", "is like `https://HOST:PORT`"),
        ("SERVICE_URL", "http://", "is like `https://HOST:PORT`"),
        ("SERVICE_URL", "http://host:port", "is like `https://HOST:PORT`"),
        ("SERVICE_AUTH_KEY", "hush\nx: y", "SERVICE_AUTH_KEY holds a character that no header"),
        ("SERVICE_HEADERS", '{"x": "hüsh"}', "SERVICE_HEADERS holds a character that no header"),
        ("SERVICE_HEADERS", "hush", "SERVICE_HEADERS must be a JSON object of texts"),
    ],
)
def test_a_setting_that_cannot_work_is_a_usage_error_that_repeats_no_secret(
    folder, monkeypatch, name, value, said
):
    with monkeypatch.context() as inside:
        team = member(folder, inside, "http://127.0.0.1:9")
        inside.setenv(f"STEPWELL_{name}", value)
        done = team.run()

    assert done.returncode == 2
    assert said in words(done) and "hush" not in words(done)


def test_what_answers_and_is_no_server_of_stepwell_is_told_apart(team, monkeypatch, tmp_path):
    assert team.run().returncode == 0
    served = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with served:
        port = served.stdout.readline().split("port ")[1].split()[0]
        try:
            with pytest.raises(
                StoreUnavailable, match=r"answered 501 .*: it is no metadata service of Stepwell"
            ):
                metadata(f"http://127.0.0.1:{port}")
        finally:
            served.terminate()


def test_a_client_that_cannot_be_told_anything_keeps_the_place_that_it_had(team, server):
    assert team.run().returncode == 0
    metadata(server.address)

    with pytest.raises(StoreUnavailable):
        metadata("http://127.0.0.1:9")
    with pytest.raises(UsageError):
        metadata("http://host/?x=1")

    assert get_metadata() == server.address


# SPEC 9.4-10
def test_configure_server_tries_the_server_out_and_keeps_kind_address_and_key(folder, server, monkeypatch):
    home = folder.path / "home"
    monkeypatch.setenv("STEPWELL_HOME", str(home))
    folder.file(FLOW.format(body="pass", end="pass"))

    refused = folder.call("-m", "stepwell", "configure", "server", "http://127.0.0.1:9", input="hush\n")
    kept = folder.call("-m", "stepwell", "configure", "server", server.address, input="\n")
    done = folder.run()
    shown = folder.call("-m", "stepwell", "configure", "show")
    checked = folder.call("-m", "stepwell", "doctor")

    assert refused.returncode == 2 and "Nothing is changed" in words(refused)
    assert kept.returncode == 0, words(kept)
    assert json.loads((home / "config.json").read_text()) == {
        "DEFAULT_METADATA": "service",
        "SERVICE_URL": server.address,
    }
    assert done.returncode == 0 and not (folder.root / "metadata.db").exists()
    assert f"SERVICE_URL = {server.address}" in words(shown)
    assert f"metadata: {server.address}: " in words(checked)


# SPEC 9.4-10
def test_the_key_is_asked_for_unseen_or_read_from_standard_input(folder, monkeypatch, tmp_path):
    tokens = str(tmp_path / "tokens.json")
    secret = folder.call("-m", "stepwell", "server", "token", "add", "me", "--tokens", tokens).stdout.strip()
    monkeypatch.setenv("STEPWELL_HOME", str(folder.path / "home"))
    with team_server(tmp_path / "server", "--tokens", tokens) as server:
        given = ("-m", "stepwell", "configure", "server", server.address)
        without = folder.call(*given)
        kept = folder.call(*given, input=f"{secret}\n")
        shown = folder.call("-m", "stepwell", "configure", "show")

    assert without.returncode == 2 and "wants a token" in words(without)
    assert kept.returncode == 0, words(kept)
    assert secret not in words(kept) + words(shown)
    assert "SERVICE_AUTH_KEY = (set, not shown)" in words(shown)
