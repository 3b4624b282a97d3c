"""The system says which user a connection comes from."""

import os
import socket
import subprocess
import sys

import pytest

from stepwell.server.peers import Peers, can_tell_users

pytestmark = pytest.mark.skipif(not can_tell_users(), reason="the system does not say it here")
CONNECT = """
import encodings.idna, os, socket, sys  # another user may not read where modules are
os.setuid(int(sys.argv[2]))
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
    sys.stdin.read()
"""


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request):
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        listener = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip("no such address here")
    with listener:
        yield listener


# SPEC 18.2-2
def test_a_connection_of_ones_own_is_told(listener):
    with socket.create_connection(listener.getsockname()[:2]):
        accepted, peer = listener.accept()
        with accepted:
            assert Peers().user_of(peer[:2], accepted.getsockname()[:2]) == os.geteuid()


# SPEC 18.2-2
def test_an_old_address_in_the_new_form_is_found():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_INET6) as client:
        try:
            client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        except OSError:
            pytest.skip("no such address here")
        accepted, peer = listener.accept()
        with accepted:
            assert Peers().user_of(peer, accepted.getsockname()) == os.geteuid()


# SPEC 18.2-2
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_told_apart_and_nobody_once_the_connection_has_ended():
    peers = Peers()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        ours = listener.getsockname()
        command = [sys.executable, "-c", CONNECT, str(ours[1]), "65534"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            accepted, peer = listener.accept()
            assert peers.user_of(peer, ours) == 65534
            process.stdin.close()
        with accepted:
            assert peers.user_of(peer, ours) == 65534  # it is asked once for each connection
            peers.forget(peer)
            assert peers.user_of(peer, ours) is None
