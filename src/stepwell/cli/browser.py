"""Shows a file to the user."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from stepwell.cli.console import Console


def show_file(console: Console, file: Path) -> None:
    """Open the file in a browser, and say where it is."""
    try:
        is_open = webbrowser.open(file.as_uri())
    except (OSError, webbrowser.Error):
        is_open = False
    console.talk(
        f"{file} {'is open in a browser' if is_open else 'is the page; no browser could be started'}."
    )
