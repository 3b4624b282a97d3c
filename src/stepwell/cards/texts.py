"""Components that are text: Markdown, code, data, values, exceptions."""

from __future__ import annotations

import inspect
import json
import pprint
import textwrap
from collections.abc import Callable
from typing import Any

from stepwell.cards.component import Component
from stepwell.datastore.preview import preview, type_name
from stepwell.exceptions import StepwellExceptionWrapper
from stepwell.model.card_parts import AnyPart, ArtifactPart, CodePart, ErrorPart, HtmlPart, MarkdownPart

_LONGEST_VALUE = 100_000


class Markdown(Component):
    """Text in Markdown, with tables.

    Parameters
    ----------
    text
        Lines that are all set in, as in a triple-quoted text, are shown as if they were not. HTML is shown as
        it is written, and pictures of other places as links: a card needs nothing from outside.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    def update(self, text: str) -> None:
        """Show another text from the next `refresh` on."""
        self._text = text
        self._revision += 1

    def part(self) -> AnyPart:
        return MarkdownPart(inspect.cleandoc(str(self._text)))


class Artifact(Component):
    """A value, with the name of its class.

    Parameters
    ----------
    name
        What it is called.
    compressed
        Whether a short text is enough; else the value is shown in full, up to 100,000 characters.
    """

    def __init__(self, artifact: object, name: str | None = None, compressed: bool = True) -> None:
        self._part = ArtifactPart(name or "", type_name(artifact), _in_words(artifact, compressed))

    def part(self) -> AnyPart:
        return self._part


def _in_words(value: object, compressed: bool) -> str:
    if compressed:
        return preview(value)
    try:
        text = pprint.pformat(value, width=100)
    except Exception:  # noqa: BLE001 - the class of a user says how it is written, and may fail at it
        return preview(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


class Error(Component):
    """An exception, with its traceback.

    Parameters
    ----------
    exception
        The exception, or a text.
    title
        What is said above it; the name of its class unless given.
    """

    def __init__(self, exception: BaseException | str, title: str | None = None) -> None:
        if isinstance(exception, BaseException):
            kept = StepwellExceptionWrapper(exception)
            kind, message, trace = type_name(exception), kept.exception, kept.stacktrace or ""
        else:
            kind, message, trace = "", str(exception), ""
        self._part = ErrorPart(title or kind or "Error", kind, message, trace)

    def part(self) -> AnyPart:
        return self._part


class PythonCode(Component):
    """Source text in Python.

    Parameters
    ----------
    code_func
        A function whose source is shown.
    code_string
        The source itself.
    """

    def __init__(self, code_func: Callable[..., Any] | None = None, code_string: str | None = None) -> None:
        self._part = CodePart(_source(code_func) if code_string is None else code_string, "python")

    def part(self) -> AnyPart:
        return self._part


def _source(function: Callable[..., Any] | None) -> str:
    if function is None:
        return ""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return f"# The source of {function!r} cannot be found."


class JSONViewer(Component):
    """What JSON can hold, set out; other values in it are shown as text.

    Parameters
    ----------
    data
        The value, or a text in JSON.
    title
        What is said above it.
    """

    def __init__(self, data: object, title: str | None = None) -> None:
        self._title = title or ""
        self._data = data
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    def update(self, data: object) -> None:
        """Show another value from the next `refresh` on."""
        self._data = data
        self._revision += 1

    def part(self) -> AnyPart:
        return CodePart(_as_json(self._data), "json", self._title)


def _as_json(data: object) -> str:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            return str(data)
    try:
        return json.dumps(data, indent=2, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):  # keys that are no text, or a value that holds itself
        return _in_words(data, compressed=False)


class YAMLViewer(JSONViewer):
    """A value as YAML; needs the extra ``stepwell[yaml]``, and shows JSON, which YAML includes, without it.

    Parameters
    ----------
    data
        The value, or a text in YAML.
    title
        What is said above it.
    """

    def part(self) -> AnyPart:
        return CodePart(_as_yaml(self._data), "yaml", self._title)


def _as_yaml(data: object) -> str:
    if isinstance(data, str):
        return data
    try:
        import yaml
    except ImportError:
        return _as_json(data)
    try:
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError:
        return _as_json(data)


class Html(Component):
    """Markup of your own. It stands in a frame of its own, in which no script runs and nothing is loaded."""

    def __init__(self, text: str) -> None:
        self._part = HtmlPart(str(text))

    def part(self) -> AnyPart:
        return self._part
