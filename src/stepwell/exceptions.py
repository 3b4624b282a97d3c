"""Every error of Stepwell, in one tree. This module is public: users catch and subclass what stands here.

::

    StepwellException                        the root; exit code 2 unless a run had started
    ├── UsageError                           the command line, a setting or a value is wrong
    │   └── CommandException
    ├── FlowError                            the flow's definition is wrong
    │   ├── GraphError                       steps and transitions do not fit together (many Problems at once)
    │   ├── FlowLoadError                    the flow's file cannot be imported
    │   ├── LintWarn, NotInThisVersion, ParameterFieldFailed, ParameterFieldTypeMismatch
    │   ├── InvalidDecoratorAttribute, BadStepDecoratorException, BadFlowDecoratorException,
    │   │   UnknownStepDecoratorException, UnknownFlowDecoratorException,
    │   └── DuplicateStepDecoratorException, DuplicateFlowDecoratorException
    ├── TaskError                            what a step did wrong at run time
    │   ├── InvalidNextException, ForeachError, StepArgumentError
    │   ├── UnhandledInMergeArtifactsException, MissingInMergeArtifactsException
    │   ├── UnpicklableArtifactException, TimeoutException, FailureHandledByCatch
    │   └── ExternalCommandFailed
    ├── StoreError                           the datastore or the metadata could not serve
    │   ├── StoreUnavailable                 full disk, read-only, no permission, lost connection
    │   ├── StoreFormatError                 made by a newer version, or not a datastore
    │   ├── AlreadyCommitted                 another attempt of the task won
    │   ├── DataException, StepwellDataMissing, UntrustedData
    │   └── BlobCorrupted                    bytes do not have the hash they are stored under
    ├── StepwellNotFound, StepwellNamespaceMismatch, StepwellInvalidPathspec
    ├── StepwellTaggingError, StepwellUnknownUser, CardNotPresentException
    ├── StepwellS3Exception                  StepwellS3NotFound, StepwellS3AccessDenied,
    │       StepwellS3InvalidRange, StepwellS3URLException, StepwellS3InvalidObject,
    │       StepwellS3InsufficientDiskSpace
    └── StepwellInternalError                our own mistake; the traceback is saved and shown where
`StepwellExceptionWrapper` stands outside the tree: it keeps any foreign exception as text.
"""

from __future__ import annotations

import copyreg
import traceback
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing that is wrong, said in full: where it stands, what it is, and how to mend it.

    Attributes
    ----------
    what
        What is wrong, as a sentence without a full stop.
    where
        ``FILE:LINE`` or another place a user can go to; empty when there is none.
    fix
        What to do about it; a sentence.
    rule
        Stable name of the rule that was broken, explained in the reference.
    step
        The step concerned, if any.
    severity
        ``error``, or ``warning`` for what is allowed and probably not meant.
    """

    what: str
    where: str = ""
    fix: str = ""
    rule: str = ""
    step: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        kind = "warning: " if self.severity == "warning" else ""
        fix = f"\n    {self.fix}" if self.fix else ""
        return f"{place}{kind}{self.what}.{fix}"


class StepwellException(Exception):
    """Root of all errors that Stepwell raises.

    Parameters
    ----------
    msg
        What happened, where, and what to do.
    lineno
        Line in the flow's file, if one is to blame.
    source_file
        The file that ``lineno`` counts in.
    """

    headline: str = "Stepwell error"

    def __init__(self, msg: str = "", lineno: int | None = None, source_file: str | None = None) -> None:
        self.message: str = str(msg)
        self.line_no = lineno
        self.source_file = source_file
        super().__init__(self.message)

    def __str__(self) -> str:
        prefix = ""
        if self.source_file:
            prefix = f"{self.source_file}:{self.line_no}: " if self.line_no else f"{self.source_file}: "
        elif self.line_no:
            prefix = f"line {self.line_no}: "
        return prefix + self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Made without `__init__`, which subclasses may give other arguments.
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - pickle's own


class UsageError(StepwellException):
    """The command line, a setting or a value given from outside is wrong."""

    headline = "Wrong usage"


class CommandException(UsageError):
    """A command cannot be carried out as it was given."""


class FlowError(StepwellException):
    """The definition of a flow is wrong; nothing has run."""

    headline = "The flow is not valid"


class GraphError(FlowError):
    """Steps and transitions do not fit together. Carries every problem found, in ``problems``."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotInThisVersion(FlowError):
    """A public name was used whose feature this version does not have yet."""

    headline = "Not in this version"


class FlowLoadError(FlowError):
    """The flow's file cannot be imported, or holds no flow, or several."""

    headline = "The flow cannot be loaded"


class LintWarn(FlowError):
    """A check of the flow failed."""


class ParameterFieldFailed(FlowError):
    """A function that computes a parameter's field raised."""


class ParameterFieldTypeMismatch(FlowError):
    """A parameter's field has the wrong type."""


class InvalidDecoratorAttribute(FlowError):
    """A decorator got an argument that it does not know, or a value that it cannot use."""


class BadStepDecoratorException(FlowError):
    """A step decorator stands on something that is no step, or in the wrong order."""


class BadFlowDecoratorException(FlowError):
    """A flow decorator stands on something that is no flow."""


class UnknownStepDecoratorException(FlowError):
    """No step decorator has this name."""


class UnknownFlowDecoratorException(FlowError):
    """No flow decorator has this name."""


class DuplicateStepDecoratorException(FlowError):
    """A step carries a decorator twice that may stand only once."""


class DuplicateFlowDecoratorException(FlowError):
    """A flow carries a decorator twice that may stand only once."""


class TaskError(StepwellException):
    """A step did something at run time that the programming model forbids."""

    headline = "The task failed"


class InvalidNextException(TaskError):
    """``self.next`` was called in a form, at a place or with targets that are not allowed."""

    headline = "Invalid self.next"


class ForeachError(TaskError):
    """The items of a foreach cannot be had: no such artifact, not iterable, too many."""

    headline = "Invalid foreach"


class StepArgumentError(TaskError):
    """A helper of the step API was called where, or in a way, it cannot work."""


class UnhandledInMergeArtifactsException(TaskError):
    """Inputs of a join disagree; the names are in ``artifact_names``."""

    headline = "Conflicting artifacts"

    def __init__(self, msg: str, artifact_names: Sequence[str] = ()) -> None:
        super().__init__(msg)
        self.artifact_names: list[str] = list(artifact_names)


class MissingInMergeArtifactsException(TaskError):
    """``include`` names artifacts that no input has; they are in ``artifact_names``."""

    headline = "Missing artifacts"

    def __init__(self, msg: str, artifact_names: Sequence[str] = ()) -> None:
        super().__init__(msg)
        self.artifact_names: list[str] = list(artifact_names)


class UnpicklableArtifactException(TaskError):
    """Values that cannot be stored; all offenders are named at once."""

    headline = "Artifacts that cannot be stored"


class TimeoutException(TaskError):
    """A step ran longer than its ``@timeout`` allows."""

    headline = "Timeout"


class FailureHandledByCatch(TaskError):
    """Stands for a platform failure that ``@catch`` turned into an artifact."""


class ExternalCommandFailed(TaskError):
    """A program that was called ended with an error."""


class StoreError(StepwellException):
    """The datastore or the metadata could not do what was asked."""

    headline = "Store error"


class StoreUnavailable(StoreError):
    """The store cannot serve now: disk full, read-only, no permission, connection lost."""

    may_pass: bool = False  # whether waiting can help


class StoreFormatError(StoreError):
    """The store was made by a newer version, or is not a store at all."""


class AlreadyCommitted(StoreError):
    """Another attempt of the same task has committed; this one changes nothing."""


class DataException(StoreError):
    """Stored data cannot be used."""


class StepwellDataMissing(StoreError):
    """Data that the metadata speaks of is not in the datastore."""


class UntrustedData(DataException):
    """Loading the value could run code of somebody who is not trusted; see ``trust=`` of `metadata`."""

    headline = "Not trusted"


class BlobCorrupted(DataException):
    """Bytes read from the datastore do not have the hash they are stored under."""


class StepwellNotFound(StepwellException):
    """No such flow, run, step, task or artifact."""

    headline = "Not found"


class StepwellNamespaceMismatch(StepwellException):
    """The object exists, but not in the current namespace."""

    headline = "Not in the namespace"


class StepwellInvalidPathspec(StepwellException):
    """The text is no pathspec of the kind that is needed."""

    headline = "Invalid pathspec"


class StepwellTaggingError(StepwellException):
    """A tag cannot be added or removed."""

    headline = "Tagging failed"


class StepwellUnknownUser(StepwellException):
    """The user's name cannot be determined."""

    headline = "Unknown user"


class StepwellInternalError(StepwellException):
    """A mistake of Stepwell's own."""

    headline = "Internal error"


class CardNotPresentException(StepwellException):
    """The task has no such card."""

    headline = "Card not found"


class StepwellExceptionWrapper(Exception):
    """Keeps any exception as text, so that it can always be stored.

    Attributes
    ----------
    exception
        ``str()`` of the original.
    type
        Dotted name of its class.
    stacktrace
        Formatted traceback, or None if it had none.
    """

    def __init__(self, exc: BaseException | None = None) -> None:
        self.exception: str = _safe_text(exc)
        self.type: str = f"{type(exc).__module__}.{type(exc).__qualname__}"
        self.stacktrace: str | None = None
        if exc is not None and exc.__traceback__ is not None:
            self.stacktrace = "".join(traceback.format_exception(exc))
        super().__init__(self.exception)

    def __reduce__(self) -> tuple[object, ...]:
        return (StepwellExceptionWrapper.of_text, (self.exception, self.type, self.stacktrace))

    @classmethod
    def of_text(cls, exception: str, type_name: str, stacktrace: str | None) -> StepwellExceptionWrapper:
        """Return the wrapper of an exception that is known as text only."""
        wrapper = cls.__new__(cls)
        wrapper.exception, wrapper.type, wrapper.stacktrace = exception, type_name, stacktrace
        wrapper.args = (exception,)
        return wrapper

    def __str__(self) -> str:
        return self.stacktrace or f"{self.type}: {self.exception}"


def _safe_text(exc: BaseException | None) -> str:
    try:
        return str(exc)
    except Exception as failure:  # noqa: BLE001 - the user's __str__ may raise anything; the wrapper must hold
        return f"<{type(exc).__name__}: its text cannot be made ({type(failure).__name__})>"


class StepwellS3Exception(StepwellException):
    """An object store could not do what was asked."""

    headline = "S3 access failed"


class StepwellS3NotFound(StepwellS3Exception):
    """There is no such object."""


class StepwellS3AccessDenied(StepwellS3Exception):
    """The credentials do not allow it."""


class StepwellS3URLException(StepwellS3Exception):
    """The address of an object is malformed, or not allowed here."""


class StepwellS3InvalidObject(StepwellS3Exception):
    """What was given to be stored, or its key, is of a wrong kind."""


class StepwellS3InvalidRange(StepwellS3Exception):
    """The range asked for lies outside the object."""


class StepwellS3InsufficientDiskSpace(StepwellS3Exception):
    """The disk is too full for what would be downloaded."""
