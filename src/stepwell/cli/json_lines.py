"""``run --json``: each event is one JSON object on a line of standard output."""

from __future__ import annotations

import msgspec

from stepwell.cli.console import Console
from stepwell.cli.terminal_text import visible
from stepwell.cli.views import View, ViewOptions
from stepwell.model import wire
from stepwell.runtime.events import RunEvent


class JsonLines(View):
    """Prints every event."""

    def __init__(self, console: Console, options: ViewOptions) -> None:
        super().__init__(console, options)
        self._encode = msgspec.json.Encoder().encode

    def show(self, event: RunEvent) -> None:
        try:
            line = self._encode(event)
        except UnicodeEncodeError:  # a path or an argument that is no Unicode
            line = self._encode(wire.escaped(event))
        self._console.progress(visible(line.decode()) + "\n")
