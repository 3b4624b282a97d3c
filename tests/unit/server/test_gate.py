"""Who may enter a server: by which name, from which page, with which token."""

import asyncio
import json
import os

import pytest

from stepwell.server.gate import Door, Gate
from stepwell.server.tokens import Role, TokenFile

OWN = os.geteuid()
HERE = ("127.0.0.1", 8321)


class SomeUser:
    """Says that all connections are of one user."""

    def __init__(self, user):
        self.user = user

    def user_of(self, peer, ours):
        return self.user


async def inside(scope, receive, send):
    """Stands for the server: says the role that the gate has found, and the path."""
    said = json.dumps([scope.get("state", {}).get("role"), scope["path"], scope.get("root_path", "")])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said.encode()})


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "tokens.json")


@pytest.fixture
def knock(tokens):
    """Knock at a gate; return the status and what was answered."""

    def knock(path="/x", user=OWN, local=True, root_path="", **headers):
        door = Door(names=frozenset({"localhost", "team.example"}), is_local=local, root_path=root_path)
        gate = Gate(inside, door, tokens, SomeUser(user))
        given = {"host": "localhost:8321"} | {name.replace("_", "-"): text for name, text in headers.items()}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "client": ("127.0.0.1", 50000),
            "server": HERE,
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in given.items()],
        }
        sent = []

        async def send(message):
            sent.append(message)

        asyncio.run(gate(scope, None, send))
        return sent[0]["status"], json.loads(sent[1]["body"])

    return knock


# SPEC 14.1-2
def test_on_this_machine_the_servers_own_user_needs_no_token(knock):
    assert knock() == (200, ["admin", "/x", ""])


# SPEC 18.2-2
@pytest.mark.parametrize("user", [os.geteuid() + 1, None], ids=["another", "unknown"])
def test_another_user_of_this_machine_needs_one(knock, user):
    status, said = knock(user=user)

    assert status == 401
    assert "wants a token" in said["message"] and "STEPWELL_SERVICE_AUTH_KEY" in said["message"]


# SPEC 14.1-2
def test_who_comes_through_a_proxy_or_the_network_needs_one(knock):
    for headers in ({"x_forwarded_for": "10.0.0.1"}, {"forwarded": "for=10.0.0.1"}, {"via": "1.1 proxy"}):
        assert knock(**headers)[0] == 401
    assert knock(local=False)[0] == 401


# SPEC 14.1-2
def test_once_there_are_tokens_everybody_needs_one_and_gets_its_role(knock, tokens):
    secrets = {role: tokens.add(role.value, role) for role in Role}

    assert knock()[0] == 401
    for local in (True, False):
        for role, secret in secrets.items():
            assert knock(local=local, authorization=f"Bearer {secret}") == (200, [role, "/x", ""])


@pytest.mark.parametrize("text", ["Bearer wrong", "Basic {}", "{}", "Bearer", "Bearer {}x"])
def test_a_wrong_token_is_refused_without_being_repeated(knock, tokens, text):
    secret = tokens.add("ci", Role.RUN)

    status, said = knock(authorization=text.format(secret))

    assert status == 401
    assert secret not in said["message"]


# SPEC 14.1-2
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[", "xn--x:8321", "127.0.0.1.x"]
)
def test_a_name_that_is_not_the_servers_is_refused(knock, host):
    assert knock(host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "Team.Example", "127.0.0.1:1", "[::1]:8321", "team.example."])
def test_the_servers_names_and_addresses_are_its_own(knock, host):
    assert knock(host=host)[0] == 200


# SPEC 14.1-2
def test_only_its_own_pages_may_call_it(knock):
    assert knock(origin="http://localhost:8321")[0] == 200
    for origin in ("http://evil.example", "null", "http://localhost:99", "http://[", ""):
        assert knock(origin=origin)[0] == 403


# SPEC 14.1-6
def test_health_needs_no_token_but_a_name(knock, tokens):
    tokens.add("ci", Role.RUN)

    assert knock("/healthz", local=False)[0] == 200
    assert knock("/healthz", host="evil.example")[0] == 403
    assert knock("/healthz/..", local=False)[0] == 401


# SPEC 14.1-2
def test_behind_a_proxy_the_root_path_may_be_there_or_be_taken_away(knock):
    for path in ("/x", "/stepwell/x"):
        assert knock(path, root_path="/stepwell") == (200, ["admin", "/stepwell/x", "/stepwell"])
    assert knock("/healthz", root_path="/stepwell", user=None)[0] == 200


def test_tokens_that_cannot_be_read_let_nobody_in(knock, tokens):
    tokens.path.write_text("{")

    status, said = knock(authorization="Bearer x")

    assert status == 500
    assert "cannot be read" in said["message"]
