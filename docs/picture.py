"""Makes the README's picture: runs an example in a terminal of its own and draws what that terminal shows.

``make picture`` writes ``docs/run.svg``. Nothing in the picture is made up: the program sees a real
terminal, and what it prints goes through a terminal emulator.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from itertools import groupby
from pathlib import Path

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, LINES = 114, 60
# pyte's words for colours that rich calls otherwise.
COLOURS = {"brown": "yellow", "default": None}


def run_in_terminal(command: list[str], cwd: Path) -> tuple[bytes, int]:
    """Run the command in a pseudo-terminal; return all that it wrote there, and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI"}},
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": str(LINES),
        "STEPWELL_USER": "ada",
    }
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    written = bytearray()
    # Reading fails with an input/output error once the last writer has closed the terminal.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65536):
            written += piece
    os.close(ours)
    return bytes(written), process.wait()


def screen_after(written: bytes) -> pyte.Screen:
    """What a terminal shows after these bytes."""
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.ByteStream(screen).feed(written)
    return screen


def as_text(screen: pyte.Screen) -> Text:
    """The screen's lines, without the empty ones at the end, in colour."""
    lines: list[Text] = []
    for row in range(screen.lines):
        line = Text()
        cells = (screen.buffer[row][column] for column in range(screen.columns))
        for style, alike in groupby(cells, style_of):
            line.append("".join(cell.data for cell in alike), style)
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return Text("\n").join(lines)


def style_of(char: Char) -> Style:
    """A terminal cell's look."""
    return Style(
        color=colour(char.fg),
        bgcolor=colour(char.bg),
        bold=char.bold,
        italic=char.italics,
        underline=char.underscore,
        reverse=char.reverse,
    )


def colour(name: str) -> str | None:
    """Rich's name of pyte's colour."""
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    if name in COLOURS:
        return COLOURS[name]
    return name.replace("bright", "bright_") if name.startswith("bright") else name


def svg(text: Text, title: str) -> str:
    """The picture. It loads no font from anywhere."""
    with open(os.devnull, "w") as nowhere:
        console = Console(
            record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print(text)
        picture = console.export_svg(title=title, unique_id="stepwell")
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", picture.replace("Fira Code", "monospace"), flags=re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--to", type=Path, default=ROOT / "docs" / "run.svg", help="where to write the picture"
    )
    options = parser.parse_args()
    example = ROOT / "examples" / "movie_stats.py"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        written, code = run_in_terminal([sys.executable, str(example), "run", "--least", "800"], Path(folder))
    screen = screen_after(written)
    if code:
        sys.stderr.write("\n".join(screen.display).rstrip() + f"\nthe run ended with {code}\n")
        return 1
    options.to.write_text(svg(as_text(screen), "python movie_stats.py run --least 800"))
    sys.stderr.write(f"{options.to} after a run of {time.perf_counter() - began:.1f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
