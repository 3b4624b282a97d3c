"""Which lines of logs are shown, and how."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click
import msgspec
from msgspec import Struct

from stepwell.client.run_log import PrintedLine
from stepwell.datastore.log_records import LogLine, Stream
from stepwell.exceptions import UsageError
from stepwell.model.run import TaskRecord

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class LogOptions(Struct, frozen=True, kw_only=True):
    """What was asked for.

    Attributes
    ----------
    since
        Unix time.
    """

    streams: tuple[Stream, ...]
    timestamps: bool = False
    as_json: bool = False
    attempt: int | None = None
    failed: bool = False
    tail: int | None = None
    grep: re.Pattern[str] | None = None
    since: float = 0.0

    def matches(self, line: LogLine) -> bool:
        """Whether a line is to be shown."""
        if line.stream not in self.streams or line.at < self.since:
            return False
        return self.grep is None or self.grep.search(line.data.decode(errors="replace").rstrip()) is not None


def options_of(values: Mapping[str, Any]) -> LogOptions:
    """Return what the options of the command line say.

    Raises
    ------
    UsageError, BadParameter
        One is wrong, or does not go with another.
    """
    for name, is_given in (("attempt", values["attempt"] is not None), ("failed", values["failed"])):
        if values["follow"] and is_given:
            raise UsageError(
                f"--{name} is about what has ended, and -f about what goes on: give one of them."
            )
    return LogOptions(
        streams=streams_of(values),
        timestamps=values["timestamps"],
        as_json=values["as_json"],
        attempt=values["attempt"],
        failed=values["failed"],
        tail=values["tail"],
        grep=_expression(values["grep"]),
        since=since(values["since"], time.time()) if values["since"] else 0.0,
    )


def streams_of(values: Mapping[str, Any]) -> tuple[Stream, ...]:
    """Return the streams that are meant: both, unless one of them alone is named."""
    if values["both"] or values["stdout"] == values["stderr"]:
        return ("stdout", "stderr")
    return ("stdout",) if values["stdout"] else ("stderr",)


def since(text: str, now: float) -> float:
    """Return the Unix time that a text means: so long ago, or a date and time of here.

    Raises
    ------
    BadParameter
    """
    if ago := _AGO.fullmatch(text.strip().lower()):
        return now - float(ago[1]) * _SECONDS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is neither a time, such as `2026-05-01` or `2026-05-01 14:30`, nor how long ago, "
            "such as `90s`, `10m`, `2h` or `1d`",
            param_hint="--since",
        ) from None


def _expression(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise click.BadParameter(f"{text!r} is no regular expression: {error}", param_hint="--grep") from None


def chosen(lines: Iterable[PrintedLine], options: LogOptions, named: bool) -> Iterator[bytes]:
    """Yield what is to be printed, byte for byte, each line with the newline that it may lack.

    Parameters
    ----------
    named
        Whether each line begins with step and task.
    """
    wanted = (printed for printed in lines if options.matches(printed.line))
    if options.tail is not None:
        wanted = deque(wanted, options.tail)
    for printed in wanted:
        if options.as_json:
            yield _as_json(printed)
        else:
            yield _shown(printed.task, printed.line, options.timestamps, named)


def _as_json(printed: PrintedLine) -> bytes:
    task, attempt, line = printed
    fields = {
        "at": line.at,
        "flow": task.flow,
        "run": task.run,
        "step": task.step,
        "task": task.task,
        "attempt": attempt,
        "stream": line.stream,
        "source": line.source,
        "text": line.data.removesuffix(b"\n").decode(errors="replace"),
    }
    return msgspec.json.encode(fields) + b"\n"


def _shown(task: TaskRecord, line: LogLine, timestamps: bool, named: bool) -> bytes:
    head = ""
    if timestamps:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(line.at))
        head = f"{at}.{int(line.at * 1000) % 1000:03d} "
    if named:
        head += f"[{task.step}/{task.task}] "
    return head.encode() + (line.data if line.data.endswith(b"\n") else line.data + b"\n")
