"""``run --json``: each event is one JSON object on a line of standard output."""

from __future__ import annotations

import msgspec

from stepwell.cli.console import Console
from stepwell.cli.views import View, ViewOptions
from stepwell.runtime.events import RunEvent


class JsonLines(View):
    """Prints every event."""

    def __init__(self, console: Console, options: ViewOptions) -> None:
        super().__init__(console, options)
        self._encode = msgspec.json.Encoder().encode

    def show(self, event: RunEvent) -> None:
        self._console.progress(self._encode(event).decode() + "\n")
