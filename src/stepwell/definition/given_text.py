"""Texts that users give, in files and as JSON: read, or said to be wrong in words that end a sentence."""

from __future__ import annotations

from pathlib import Path


def text_of_file(path: Path) -> str:
    """Return what a file of text holds.

    Raises
    ------
    ValueError
        Why it cannot be read.
    """
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    except RuntimeError as error:  # `~nobody`
        raise ValueError(str(error)) from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text, at byte {error.start}") from None


def json_in(text: str) -> object:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        What the text is instead, as in "not valid JSON at line 1, column 2".
    """
    import json  # start-up cost that only those pay who have some

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"not valid JSON at {place}: {error.msg}") from None
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
