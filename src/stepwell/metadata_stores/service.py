"""Metadata that a server of Stepwell keeps for a team."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from stepwell.exceptions import StoreError, StoreFormatError, StoreUnavailable, UsageError
from stepwell.metadata_store.calls import CALLS, VERSION_HEADER, error_in
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.version import VERSION

_TIMEOUT_S = 30.0
_PASSING = (429, 502, 503, 504)
"""What proxies answer while the server behind them is away or has too much to do."""


class ServiceMetadata(MetadataStore):
    """Metadata behind ``address``; nothing is connected before the first call.

    Every method can be called again if its answer was lost: the same is then done twice, which comes to the
    same, but for run ids, of which one is skipped.

    Parameters
    ----------
    address
        As in ``https://host:8321`` or ``https://host/prefix``.
    key
        Token that the server knows; empty if it wants none.
    headers
        Sent with every call, for what stands between here and the server.
    timeout_s
        How long the server may be silent.

    Raises
    ------
    UsageError
        It is no such address.
    """

    def __init__(
        self,
        address: str,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._host, self._port, self._prefix, self._tls = _parsed(address)
        self._timeout_s = timeout_s
        self._headers = {
            "Content-Type": "application/json",
            VERSION_HEADER: VERSION,
            **({"Authorization": f"Bearer {_sendable(key, 'SERVICE_AUTH_KEY')}"} if key else {}),
            **{name: _sendable(text, "SERVICE_HEADERS") for name, text in (headers or {}).items()},
        }
        self._connection: HTTPConnection | None = None
        self._owner = 0
        self._was_reached = False

    def next_run_id(self) -> int:
        return self._call("next_run_id")

    def save_run(self, run: RunRecord) -> None:
        self._call("save_run", run)

    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        return self._call("replace_run", seen, run)

    def delete_run(self, seen: RunRecord) -> bool:
        return self._call("delete_run", seen)

    def beat(self, flow: str, run: str, at: float) -> None:
        self._call("beat", flow, run, at)

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        if tasks:
            self._call("save_tasks", tuple(tasks))

    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        return self._call("change_tags", flow, run, tuple(add), tuple(remove))

    def run(self, flow: str, run: str) -> RunRecord | None:
        return self._call("run", flow, run)

    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        return self._call("runs", query)

    def flows(self) -> Sequence[str]:
        return self._call("flows")

    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        return self._call("task", flow, run, step, task)

    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        return self._call("tasks", query)

    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        return self._call("steps", flow, run)

    @property
    def location(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        port = "" if self._port is None else f":{self._port}"
        return f"http{'s' if self._tls else ''}://{host}{port}{self._prefix}"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call(self, name: str, *arguments: object) -> Any:
        call = CALLS[name]
        response, body = self._answered(self._prefix + call.path, call.request(*arguments))
        if response.status != 200:
            raise self._refused(response, body)
        try:
            return call.result(body)
        except msgspec.MsgspecError as error:
            raise StoreFormatError(
                f"{self.location} (Stepwell {_version_of(response)}) has answered what Stepwell {VERSION} "
                f"cannot read: {error}. Install the same version of Stepwell on both sides."
            ) from error

    def _answered(self, path: str, request: bytes) -> tuple[HTTPResponse, bytes]:
        """Ask, once more if a connection that was kept has been dropped on the other side."""
        is_kept = self._connection is not None and self._owner == os.getpid()
        try:
            return self._asked(path, request)
        except TimeoutError as error:
            raise self._away(error) from error
        except (OSError, HTTPException) as error:
            if not is_kept:
                raise self._away(error) from error
        try:
            return self._asked(path, request)
        except (OSError, HTTPException) as error:
            raise self._away(error) from error

    def _asked(self, path: str, request: bytes) -> tuple[HTTPResponse, bytes]:
        connection = self._connected()
        try:
            connection.request("POST", path, request, self._headers)
            response = connection.getresponse()
            body = response.read()
        except BaseException:
            # Whatever it was, also Ctrl-C: the answer may still come, and would be taken for the next one.
            self.close()
            raise
        self._was_reached = True
        return response, body

    def _connected(self) -> HTTPConnection:
        if self._owner != os.getpid():
            # A fork has its parent's connection, which the parent goes on with: this ends nothing there.
            self.close()
            self._owner = os.getpid()
        if self._connection is None:
            kind = HTTPSConnection if self._tls else HTTPConnection
            self._connection = kind(self._host, self._port, timeout=self._timeout_s)
        return self._connection

    def _refused(self, response: HTTPResponse, body: bytes) -> Exception:
        error = error_in(body)
        if error is not None:
            if response.status in (401, 403):
                error.message = f"{self.location}: {error.message}"
            return error
        what = f"{self.location} has answered {response.status} {response.reason}".rstrip()
        if response.status in _PASSING:
            trouble = StoreUnavailable(
                f"{what}: the metadata service behind it is away, or has too much to do."
            )
            trouble.may_pass = True
            return trouble
        if response.status in (401, 403, 407):
            return StoreUnavailable(
                f"{what}: something before the metadata service wants to know who you are. Give it what it "
                "wants with STEPWELL_SERVICE_HEADERS."
            )
        if response.getheader(VERSION_HEADER) is None:
            return StoreUnavailable(f"{what}: it is no metadata service of Stepwell. {_CHECK}")
        return StoreError(f"{what}. The log of the server may say why.")

    def _away(self, error: OSError | HTTPException) -> StoreUnavailable:
        reason, may_pass = self._reason(error)
        trouble = StoreUnavailable(
            f"The metadata service at {self.location} does not answer: {reason}. {_CHECK}"
        )
        trouble.may_pass = may_pass
        return trouble

    def _reason(self, error: OSError | HTTPException) -> tuple[str, bool]:
        """Return the cause in words, and whether it may pass."""
        if isinstance(error, TimeoutError):
            return f"nothing came in {self._timeout_s:g} s", True
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted here ({error.verify_message}); SSL_CERT_FILE names others",
                False,
            )
        if isinstance(error, ssl.SSLError):
            return f"it does not speak TLS as it should ({error.reason or error})", False
        if isinstance(error, socket.gaierror):
            return "no machine of this name is known", self._was_reached
        if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
            return "nothing listens there", True
        return f"the connection has ended ({getattr(error, 'strerror', None) or type(error).__name__})", True


def _sendable(text: str, setting: str) -> str:
    """Return what can stand in a header. What cannot is not told: it is a secret."""
    if not (text.isascii() and text.isprintable()):
        raise UsageError(f"The setting {setting} holds a character that no header of HTTP can have.")
    return text


_CHECK = "Is `stepwell server` running there, and is that the address?"


def _version_of(response: HTTPResponse) -> str:
    return response.getheader(VERSION_HEADER) or "of an unknown version"


def _parsed(address: str) -> tuple[str, int | None, str, bool]:
    """Return host, port, prefix of paths and whether TLS is spoken. No word of the address may be told."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise UsageError(
            "The address of a metadata service is like `https://HOST:PORT`, or `https://HOST/PREFIX`."
        )
    if parts.username is not None:
        raise UsageError(
            "The address of a metadata service holds no user and password: its key is the setting "
            "SERVICE_AUTH_KEY."
        )
    return host, port, parts.path.rstrip("/"), parts.scheme == "https"
