"""``logs scrub``: what was printed is gone for good."""

import pytest
from command_line import until, words

SECRET = "hunter2"


def everything(folder):
    return b"".join(file.read_bytes() for file in folder.root.glob("runs/**/logs/**/*") if file.is_file())


def logs(folder, *args):
    return folder.call("flow.py", "logs", *args).stdout


@pytest.fixture
def leaky(folder):
    """A run that has printed a secret."""
    folder.flow(
        f"print('{SECRET}')", f"print('more of {SECRET}')", f"print('err {SECRET}', file=sys.stderr)",
    )  # fmt: skip
    assert folder.run().returncode == 0
    return folder


# SPEC 9.3-12
def test_scrubbed_text_is_gone_and_a_marker_is_in_its_place(leaky):
    done = leaky.call("flow.py", "logs", "scrub", "1/start")

    assert done.returncode == 0 and done.stdout == "", words(done)
    assert "36 bytes scrubbed from the logs of 1 task" in done.stderr
    assert SECRET.encode() not in everything(leaky)
    lines = logs(leaky, "1/start").splitlines()
    assert len(lines) == 2 and all(line.startswith("[... scrubbed on 2") for line in lines)
    assert logs(leaky, "1/end") == "all is done\n"
    again = leaky.call("flow.py", "logs", "scrub", "1/start", "--all")
    assert again.returncode == 0 and "0 bytes scrubbed" in again.stderr
    assert logs(leaky, "1/start").splitlines() == lines


# SPEC 9.3-12
def test_one_stream_may_be_scrubbed(leaky):
    leaky.call("flow.py", "logs", "scrub", "1/start/1", "--stderr")

    assert logs(leaky, "1/start", "--stdout") == f"{SECRET}\nmore of {SECRET}\n"
    assert SECRET not in logs(leaky, "1/start", "--stderr")


# SPEC 9.3-12
def test_a_resumed_run_has_lost_the_text_too(leaky):
    assert leaky.call("flow.py", "resume", "end").returncode == 0
    assert SECRET in logs(leaky, "2/start")

    done = leaky.call("flow.py", "logs", "scrub", "2/start")

    assert done.returncode == 0, words(done)
    for run in ("1", "2"):
        assert SECRET not in logs(leaky, f"{run}/start")
        assert "scrubbed on" in logs(leaky, f"{run}/start")


# SPEC 9.3-12
def test_attempts_are_scrubbed_one_or_all(folder):
    folder.flow(f"print('{SECRET}')", "os.abort()")
    folder.run("--with", "retry:times=2,delay=0")

    def with_secret():
        return [n for n in range(3) if SECRET in logs(folder, "1/start/1", "--attempt", str(n))]

    folder.call("flow.py", "logs", "scrub", "1/start")
    latest = with_secret()
    folder.call("flow.py", "logs", "scrub", "1/start", "--attempt", "0")
    one = with_secret()
    folder.call("flow.py", "logs", "scrub", "1/start", "--all")

    assert (latest, one, with_secret()) == ([0, 1], [1], [])


# SPEC 9.3-12
def test_a_running_task_is_scrubbed_only_if_asked_for_and_never_writes_it_again(folder):
    folder.flow(
        f"print('{SECRET}', flush=True)",
        "while not os.path.exists('go'):",
        "    time.sleep(0.02)",
        "print('after')",
        "while not os.path.exists('end'):",
        "    time.sleep(0.02)",
    )
    process = folder.begin()
    until(lambda: SECRET in logs(folder, "1/start"), "it has printed")
    refused = folder.call("flow.py", "logs", "scrub", "1/start")
    done = folder.call("flow.py", "logs", "scrub", "1/start", "--include-not-done")
    (folder.path / "go").touch()
    until(lambda: "after" in logs(folder, "1/start"), "it has gone on")
    while_running = logs(folder, "1/start")
    (folder.path / "end").touch()
    assert process.wait(timeout=30) == 0

    assert refused.returncode == 2 and "--include-not-done" in words(refused)
    assert done.returncode == 0, words(done)
    assert SECRET not in while_running and "scrubbed on" in while_running
    assert SECRET.encode() not in everything(folder)
    assert logs(folder, "1/start").splitlines()[1:] == ["after"]


# SPEC 9.3-12
def test_the_end_of_a_large_log_is_scrubbed_too(folder):
    folder.flow("print((('x' * 50 + '" + SECRET + "') * 100 + '\\\\n') * 100)")
    folder.run("--max-log-size", "0.1")
    assert SECRET.encode() in everything(folder)

    folder.call("flow.py", "logs", "scrub", "1/start")

    assert SECRET.encode() not in everything(folder)
    assert "scrubbed on" in logs(folder, "1/start")
