"""`IncludeFile`: a parameter whose value is what a file holds when the run is created."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from stepwell.definition.parameter_kinds import Kind
from stepwell.definition.parameters import Parameter
from stepwell.exceptions import ParameterFieldFailed, StepwellException

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec

_LARGE = 100 * 2**20
_PIECE = 2**24
_PARSERS = "stepwell.definition.config_parsers"


class FileContent(Kind):
    """What a file holds, given by its path."""

    name = "file"
    reads_files = True

    def __init__(self, encoding: str | None) -> None:
        self._encoding = encoding

    @property
    def metavar(self) -> str:
        return "PATH"

    def read(self, text: str) -> object:
        if "://" in text:
            raise ValueError(
                f"{text} is a URL, and only files of this machine are included. Take it as a Parameter, and "
                "read it in a step"
            )
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            raise ValueError(f"the file {text} cannot be found: that user has no home directory") from None
        try:
            data = _content(path)
        except OSError as error:
            raise ValueError(f"the file {text} cannot be read: {error.strerror or error}") from None
        if self._encoding is None:
            return data
        try:
            return data.decode(self._encoding)
        except LookupError as error:
            raise ValueError(f"the file {text} cannot be read as text: {error}") from None
        except UnicodeDecodeError as error:
            raise ValueError(
                f"the file {text} is no {self._encoding} text, at byte {error.start}; is_text=False takes "
                "bytes"
            ) from None

    def check(self, value: object) -> object:
        if not isinstance(value, Path):
            raise self._refuse(value)
        return self.read(str(value))


def _content(path: Path) -> bytes:
    """Return the bytes of a file; of a large one the size is told, and how far it is read on a terminal."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size <= _LARGE:
            return file.read()
        sys.stderr.write(
            f"Warning: {path} has {size / 2**20:.0f} MiB, all of which is stored with the run.\n"
        )
        pieces: list[bytes] = []
        done = 0
        while piece := file.read(_PIECE):
            pieces.append(piece)
            done += len(piece)
            if sys.stderr.isatty():
                sys.stderr.write(f"\rreading {path.name}: {100 * done // size} %")
        if sys.stderr.isatty():
            sys.stderr.write("\n")
        return b"".join(pieces)


class IncludeFile(Parameter):
    """A parameter that takes the path of a file: every step sees what the file held when the run was created.

    Parameters
    ----------
    name
        Name of the option; the attribute's name if left out.
    required
        Whether a run without a file is refused. A default makes it void.
    is_text
        Whether the value is text; else it is bytes.
    encoding
        Encoding of the text.
    help
        What the file is for.
    parser
        Function of the content whose result steps see, or its dotted name; ``".name"`` means one that comes
        with Stepwell. It is called where a step reads the value.
    default
        Path of the file, or a function of one argument that returns one.

    Examples
    --------
    >>> class Train(FlowSpec):
    ...     table = IncludeFile("table", default="table.csv", help="What to learn from.")
    """

    if TYPE_CHECKING:

        def __new__(
            cls,
            name: str | None = None,
            required: bool | None = None,
            is_text: bool = True,
            encoding: str = "utf-8",
            help: str | None = None,
            parser: Callable[[Any], object] | str | None = None,
            default: object = None,
        ) -> Any: ...

    def __init__(
        self,
        name: str | None = None,
        required: bool | None = None,
        is_text: bool = True,
        encoding: str = "utf-8",
        help: str | None = None,
        parser: Callable[[Any], object] | str | None = None,
        default: object = None,
    ) -> None:
        super().__init__(
            name,
            default=default,
            type=FileContent(encoding if is_text else None),
            help=help,
            required=required,
        )
        self.parser: Callable[[Any], object] | str | None = parser
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - the line that errors speak of
        self.file: str = caller.f_code.co_filename
        self.line: int = caller.f_lineno

    def __get__(self, flow: FlowSpec | None, owner: Any) -> Any:
        value = super().__get__(cast("FlowSpec", flow), owner)
        if flow is None or value is self or value is None or self.parser is None:
            return value
        parsed = flow.__dict__[self.attribute] = self._parsed(value)
        return parsed

    def _parsed(self, content: object) -> object:
        try:
            return _function(self.parser)(content)
        except StepwellException:
            raise
        except Exception as error:
            raise ParameterFieldFailed(
                f"The parser of `{self.name}` failed on the file that was included: "
                f"{type(error).__name__}: {error}",
                self.line,
                self.file,
            ) from error


def _function(parser: object) -> Callable[[Any], object]:
    if callable(parser):
        return parser
    module, _, name = str(parser).rpartition(".")
    return getattr(import_module(module or _PARSERS), name)
