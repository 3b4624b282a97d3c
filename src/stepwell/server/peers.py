"""Which user of this machine a connection comes from."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

Address = tuple[str, int]

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
"""Of a connection that is closed already the system names no owner, but user 0."""


def can_tell_users() -> bool:
    """Whether the system says here which user a connection comes from."""
    return _TABLES[0].exists()


class Peers:
    """Knows the users of connections from this machine. The system takes milliseconds: it is asked once."""

    def __init__(self) -> None:
        self._users: dict[Address, int] = {}

    def user_of(self, peer: Address, ours: Address) -> int | None:
        """Return the id of the user who made an open connection; None if that cannot be told.

        Parameters
        ----------
        peer, ours
            The connection's two ends.
        """
        user = self._users.get(peer)
        if user is None:
            user = _user_of(peer, ours)
            if user is not None:
                self._users[peer] = user
        return user

    def forget(self, peer: Address) -> None:
        """A connection has ended: the next one from that address may be another user's."""
        self._users.pop(peer, None)


def _user_of(peer: Address, ours: Address) -> int | None:
    wanted = {(_hexadecimal(peer, mapped), _hexadecimal(ours, mapped)) for mapped in (False, True)}
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, _, _, _, user, *_ = line.split()
            if (local, remote) in wanted and state == _ESTABLISHED:
                return int(user)
    return None


def _hexadecimal(address: Address, mapped: bool) -> str:
    """Return an address as the system's tables spell it: words of 32 bits in the machine's own order.

    Parameters
    ----------
    mapped
        Whether to spell an old address as a new one, as sockets do that can have both.
    """
    host = ipaddress.ip_address(address[0])
    if mapped and host.version == 4:
        host = ipaddress.ip_address(f"::ffff:{host}")
    packed = host.packed
    words = (packed[place : place + 4] for place in range(0, len(packed), 4))
    spelled = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{spelled}:{address[1]:04X}"
