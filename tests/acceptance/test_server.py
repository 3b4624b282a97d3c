"""`stepwell server` as a command: where it listens, who may use it, how it ends."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest
from command_line import until, words
from team_server import team_server

from stepwell.exceptions import StepwellNotFound, StepwellTaggingError, StoreFormatError, StoreUnavailable
from stepwell.metadata_stores.service import ServiceMetadata
from stepwell.testing.metadata_records import FLOW, a_run, a_task


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with team_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def port_of(server):
    return int(server.address.rpartition(":")[2].partition("/")[0])


def asked(server, path, body=b"{}", method="POST", **headers):
    """Return status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


# SPEC 14.1-6
def test_health_is_told_and_where_there_is_nothing_that_too(server):
    assert asked(server, "/healthz", method="GET")[::2] == (200, b"ok\n")
    assert asked(server, "/", method="GET")[0] == 404


# SPEC 14.1-6
def test_a_server_whose_index_cannot_be_read_is_not_healthy(tmp_path):
    with team_server(tmp_path / "server") as server:
        (server.folder / ".stepwell" / "metadata.db").write_bytes(b"damaged" * 1000)

        assert asked(server, "/healthz", method="GET")[0] == 503


# SPEC 14.1-2
def test_pages_and_names_of_others_are_refused(server):
    assert asked(server, "/metadata/v1/flows")[0] == 200
    assert asked(server, "/metadata/v1/flows", Origin="http://evil.example")[0] == 403
    assert asked(server, "/metadata/v1/flows", Host="evil.example")[0] == 403


def test_errors_are_the_same_on_both_sides(server):
    store = ServiceMetadata(server.address)
    store.save_run(a_run("900"))

    with pytest.raises(StepwellNotFound, match="There is no run Contract/404 in local@"):
        store.change_tags(FLOW, "404", ["a"], [])
    with pytest.raises(StepwellTaggingError, match="A tag has 1 to 500 characters"):
        store.change_tags(FLOW, "900", [""], [])
    store.close()


def test_versions_that_do_not_fit_are_both_named(server):
    _, headers, _ = asked(server, "/healthz", method="GET")
    version = headers["stepwell-version"]

    status, _, body = asked(server, "/metadata/v99/flows", stepwell_version="98.7")

    assert status == 404
    said = json.loads(body)
    assert said["error"] == "StoreFormatError"
    assert f"Stepwell {version}, whose metadata API is v1; the client, Stepwell 98.7" in said["message"]
    assert "`v99`. Install the same version" in said["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"flow": 1, "run": "1"}', b'{"flow": "F"}', b"\xff", b'{"flow": "F", "run": null}'],
)
def test_a_call_that_cannot_be_read_is_the_clients_mistake(server, body):
    status, _, answer = asked(server, "/metadata/v1/run", body)

    assert status == 400
    assert "cannot be read" in json.loads(answer)["message"]


def test_a_call_that_is_too_long_is_refused_before_it_has_come_whole(server):
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=60) as connection:
        connection.sendall(
            b"POST /metadata/v1/save_tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
        )
        for _ in range(66):
            try:
                connection.sendall(b"x" * (1 << 20))
            except OSError:
                break  # it has said no, and listens no more
        assert connection.recv(12) == b"HTTP/1.1 413"


# SPEC 12.4-1
def test_many_clients_write_at_once_and_nothing_is_lost(server):
    def work(number):
        store = ServiceMetadata(server.address)
        ids.extend(store.next_run_id() for _ in range(20))
        for task in range(20):
            store.save_tasks([a_task(number * 100 + task, run="901")])
            store.change_tags(FLOW, "901", [f"{number}-{task % 5}"], [])
        store.close()

    ids = []
    store = ServiceMetadata(server.address)
    store.save_run(a_run("901"))
    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == len(set(ids)) == 120
    assert [count.tasks for count in store.steps(FLOW, "901")] == [120]
    assert len(store.run(FLOW, "901").tags) == 30
    store.close()


# SPEC 12.4-1
def test_an_answer_that_is_lost_costs_an_id_and_no_id_comes_twice(server):
    store = ServiceMetadata(server.address)
    before = store.next_run_id()

    with socket.create_connection(("127.0.0.1", port_of(server))) as gone:
        gone.sendall(
            b"POST /metadata/v1/next_run_id HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        )
        gone.recv(1)

    assert store.next_run_id() >= before + 2
    store.close()


def test_a_connection_that_the_server_has_dropped_meanwhile_is_made_anew(tmp_path):
    with team_server(tmp_path / "server") as server:
        store = ServiceMetadata(server.address)
        store.save_run(a_run("1"))

        assert server.end(signal.SIGTERM) == 0
        server.start()

        assert store.run(FLOW, "1") == a_run("1")
        server.kill()
        with pytest.raises(StoreUnavailable, match="nothing listens there") as caught:
            store.flows()
        assert caught.value.may_pass
        store.close()


def test_a_fork_has_a_connection_of_its_own(server):
    store = ServiceMetadata(server.address)
    store.save_run(a_run("902"))

    child = os.fork()
    if not child:
        os._exit(0 if all(store.run(FLOW, "902") for _ in range(50)) else 1)
    found = [store.run(FLOW, "902") for _ in range(50)]

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(found)
    store.close()


# SPEC 14.1-1
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_when_it_has_answered_what_it_was_asked(tmp_path, number, code):
    with team_server(tmp_path / "server") as server:
        # Another program holds the lock, so that the answer cannot come before the signal.
        file = server.folder / ".stepwell" / "metadata.db"
        hold = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        hold += "db.execute('BEGIN IMMEDIATE'); print(1, flush=True); sys.stdin.read()"
        locked = subprocess.Popen(
            [sys.executable, "-c", hold, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        locked.stdout.readline()
        client = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
        client.request("GET", "/healthz")
        client.getresponse().read()
        client.request("POST", "/metadata/v1/next_run_id", b"{}")
        asked(server, "/healthz", method="GET")  # by now the server has begun with what came before
        with socket.create_connection(("127.0.0.1", port_of(server))):  # a client that says nothing
            server.process.send_signal(number)
            until(lambda: not can_connect(server), "it listens no more")
            locked.communicate()

            assert client.getresponse().read() == b"1"
            assert server.process.wait(60) == code
        assert "Traceback" not in server.said
        client.close()


def can_connect(server):
    try:
        socket.create_connection(("127.0.0.1", port_of(server))).close()
    except OSError:
        return False
    return True


def test_what_it_needs_and_has_not_is_told_in_words(folder, server, monkeypatch):
    def refused(*options, **variables):
        done = folder.call("-m", "stepwell", "server", *options, env={**os.environ, **variables})
        assert done.returncode == 2, words(done)
        return words(done)

    assert "There is no datastore in" in refused() and "`stepwell server --create`" in refused()
    assert not folder.root.exists()
    create = "--create"
    assert "another program listens there. Choose another port" in refused(
        create, "--port", str(port_of(server))
    )
    assert "this machine has no such address" in refused(create, "--host", "203.0.113.7")
    assert "this machine has no such address" in refused(create, "--host", "no.such.name.invalid")
    assert "--tls-key belongs to a certificate" in refused(create, "--tls-key", "x")
    assert "The certificate none.pem cannot be used" in refused(
        create, "--port", "0", "--tls-cert", "none.pem"
    )
    assert "A server keeps the metadata itself" in refused(create, "--metadata", "http://x")
    hidden = folder.path / "hidden" / "starlette"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('none here', name='starlette')")
    without = refused(create, PYTHONPATH=str(hidden.parent))
    assert "needs the extra `server`" in without and "pip install 'stepwell[server]'" in without


# SPEC 14.1-2
def test_off_this_machine_it_makes_a_token_shows_it_once_and_wants_it(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    with team_server(tmp_path / "server", "--host", "0.0.0.0", "--allow-host", "Team.Example") as server:
        file = tmp_path / "home" / "server_tokens.json"
        secret = server.said.partition("shown this once: ")[2].split()[0]
        bearer = f"Bearer {secret}"

        assert "Tokens and records travel as they are" in server.said
        assert asked(server, "/metadata/v1/flows")[0] == 401
        assert asked(server, "/metadata/v1/flows", Authorization=bearer)[0] == 200
        assert asked(server, "/metadata/v1/flows", Authorization=bearer, Host="team.example:99")[0] == 200
        assert secret not in file.read_text() and stat.S_IMODE(file.stat().st_mode) == 0o600
        server.end(signal.SIGTERM)
        server.start()
        assert server.said.count(secret) == 1
        assert asked(server, "/metadata/v1/flows", Authorization=bearer)[0] == 200


# SPEC 14.1-2
def test_tokens_are_made_listed_and_removed_while_a_server_uses_them(folder, tmp_path):
    def token(*args):
        return folder.call(
            "-m", "stepwell", "server", "token", *args, "--tokens", str(tmp_path / "tokens.json")
        )

    assert "There is no token" in words(token("list"))
    reader, runner = (token("add", name, "--role", name).stdout.strip() for name in ("read", "run"))
    with team_server(tmp_path / "server", "--tokens", str(tmp_path / "tokens.json")) as server:
        eye, ci = ServiceMetadata(server.address, reader), ServiceMetadata(server.address, runner)
        ci.save_run(a_run("1"))
        assert eye.run(FLOW, "1") == a_run("1")
        with pytest.raises(StoreUnavailable, match=r"This token may only read; `save_run` changes something"):
            eye.save_run(a_run("2"))

        listed = json.loads(token("list", "--json").stdout)
        removed = token("remove", "run")

        assert [(one["name"], one["role"]) for one in listed] == [("read", "read"), ("run", "run")]
        assert "read  read  made 20" in words(token("list")) and removed.returncode == 0
        with pytest.raises(StoreUnavailable, match="does not know that token") as caught:
            ci.flows()
        assert not caught.value.may_pass
        assert token("remove", "run").returncode == 2 and token("add", "read").returncode == 2
        eye.close()
        ci.close()


# SPEC 14.1-2
def test_it_speaks_tls_to_clients_that_trust_its_certificate(tmp_path, monkeypatch):
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with team_server(tmp_path / "server", "--tls-cert", str(tmp_path / "cert.pem")) as server:
        assert server.address.startswith("https://")
        store = ServiceMetadata(server.address)
        with pytest.raises(StoreUnavailable, match="its certificate is not trusted here") as caught:
            store.flows()
        assert not caught.value.may_pass

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

        store.save_run(a_run("1"))
        assert store.run(FLOW, "1") == a_run("1")
        with pytest.raises(StoreUnavailable, match=r"the connection has ended|does not speak TLS"):
            ServiceMetadata(server.address.replace("https", "http")).flows()
        store.close()


# SPEC 14.1-2
def test_behind_a_proxy_addresses_begin_with_the_root_path(tmp_path):
    with team_server(tmp_path / "server", "--root-path", "stepwell/") as server:
        assert server.address.endswith("/stepwell")
        store = ServiceMetadata(f"{server.address}/")
        store.save_run(a_run("1"))

        assert store.location == server.address
        assert store.run(FLOW, "1") == a_run("1")
        assert asked(server, "/metadata/v1/flows")[2] == b'["Contract"]'
        store.close()


def test_a_server_that_stays_silent_is_not_waited_for_without_end():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = ServiceMetadata(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.1)

        with pytest.raises(StoreUnavailable, match=r"nothing came in 0\.1 s") as caught:
            store.flows()

        assert caught.value.may_pass


def test_an_answer_that_this_version_cannot_read_names_both_versions(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(
                    b"HTTP/1.1 200 OK\r\nstepwell-version: 98.7\r\nContent-Length: 4\r\n\r\n1234"
                )

        thread = threading.Thread(target=answer)
        thread.start()
        store = ServiceMetadata(f"http://127.0.0.1:{listener.getsockname()[1]}")

        with pytest.raises(
            StoreFormatError, match=r"\(Stepwell 98\.7\) has answered what Stepwell .* cannot read"
        ):
            store.flows()

        thread.join()
        store.close()
