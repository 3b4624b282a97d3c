"""What PostgreSQL, or the way to it, can do wrong, in our words."""

from __future__ import annotations

import re

import psycopg

from stepwell.exceptions import StoreError, StoreFormatError, StoreUnavailable

# Classes of states, or states: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CAUSES: tuple[tuple[str, str], ...] = (
    ("42501", "does not let this user do that: grant the right, or ask for another user"),
    ("25006", "is read-only. Use the address of the primary server"),
    ("53100", "cannot grow: its disk is full. Free some space there"),
    ("55P03", "is locked by another process; nothing was written. Try again"),
    ("40", "was changed by another process at the same time; nothing was written. Try again"),
    ("57P0", "was shut down, or is starting"),
    ("08", "lost its connection"),
    ("53", "has too many connections, or too little memory"),
    ("25P03", "ended the transaction, because it had waited for too long"),
    ("57014", "ended the statement, because it took too long or was cancelled"),
)
_PASSING = ("53", "55P03", "40", "57P0", "08", "25P03", "57014")
_OTHER_TABLES = ("42P01", "42703", "3F000")
# libpq has no codes for these, only words.
_LASTING = r"FATAL|fe_sendauth|authentication|SSL|certificate|invalid"
_PASSING_REFUSALS = r"starting up|shutting down|recovery|too many (clients|connections)|slots are reserved"
_ADVICE = (
    ("no password supplied", "Put it into STEPWELL_POSTGRES_URL, PGPASSWORD or ~/.pgpass."),
    ("authentication failed", "Check user and password in STEPWELL_POSTGRES_URL, or where libpq found them."),
    ("does not exist", "Make it first, or correct the address."),
)


def mapped(error: psycopg.Error, location: str, is_cut: bool) -> StoreError:
    """Return what a statement failed with, as an error of ours."""
    state, said = error.sqlstate or "", _one_line(error)
    if state in _OTHER_TABLES:
        return StoreFormatError(
            f"{location} has not the tables that it should have ({said}). Drop its schema `stepwell` and "
            "call `stepwell reindex`."
        )
    cause = next((words for start, words in _CAUSES if state.startswith(start)), "")
    if is_cut and not cause:
        cause = "lost its connection"
    if not cause:
        return StoreError(f"The metadata in {location} refused: {said}.")
    trouble = StoreUnavailable(f"The metadata in {location} {cause} ({said}).")
    trouble.may_pass = is_cut or state.startswith(_PASSING)
    return trouble


def refusal(error: psycopg.Error, location: str) -> StoreUnavailable:
    """Return why there is no connection."""
    said = _one_line(error)
    advice = next((f" {words}" for part, words in _ADVICE if part in said), "")
    trouble = StoreUnavailable(f"The metadata in {location} cannot be reached: {said}.{advice}")
    trouble.may_pass = not re.search(_LASTING, said) or re.search(_PASSING_REFUSALS, said) is not None
    return trouble


def _one_line(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Is the server running")]
    return " ".join(told).removeprefix("connection is bad: ").removeprefix("connection failed: ").rstrip(".")
