"""The tree of exceptions: what users catch, subclass and store."""

import inspect
import pickle

import pytest

import stepwell.exception as metaflow_spelling
from stepwell import exceptions
from stepwell.exceptions import StepwellException, StepwellExceptionWrapper

NAMED = [
    "ParameterFieldFailed",
    "ParameterFieldTypeMismatch",
    "ExternalCommandFailed",
    "InvalidDecoratorAttribute",
    "CommandException",
    "InvalidNextException",
    "UnhandledInMergeArtifactsException",
    "MissingInMergeArtifactsException",
    "BadStepDecoratorException",
    "BadFlowDecoratorException",
    "UnknownStepDecoratorException",
    "UnknownFlowDecoratorException",
    "DuplicateStepDecoratorException",
    "DuplicateFlowDecoratorException",
    "UnpicklableArtifactException",
    "DataException",
    "TimeoutException",
    "FailureHandledByCatch",
    "LintWarn",
    "CardNotPresentException",
    "StepwellNotFound",
    "StepwellNamespaceMismatch",
    "StepwellInvalidPathspec",
    "StepwellInternalError",
    "StepwellTaggingError",
    "StepwellUnknownUser",
    "StepwellDataMissing",
    "StepwellExceptionWrapper",
    "StepwellS3Exception",
    "StepwellS3NotFound",
    "StepwellS3AccessDenied",
    "StepwellS3URLException",
    "StepwellS3InvalidObject",
    "StepwellS3InvalidRange",
    "StepwellS3InsufficientDiskSpace",
]
CLASSES = {
    name: value
    for name, value in vars(exceptions).items()
    if inspect.isclass(value) and value.__module__ == exceptions.__name__
}
ERRORS = {name: value for name, value in CLASSES.items() if issubclass(value, BaseException)}


# SPEC 1.4-2
@pytest.mark.parametrize("name", NAMED)
def test_the_classes_that_users_catch_are_there(name):
    assert name in ERRORS


# SPEC 1.4-1
@pytest.mark.parametrize("name", sorted(set(ERRORS) - {"StepwellExceptionWrapper"}))
def test_every_error_has_the_one_root_a_headline_and_a_docstring(name):
    kind = ERRORS[name]

    assert issubclass(kind, StepwellException)
    assert kind.headline and kind.__doc__


# SPEC 1.4-1
def test_a_users_error_has_a_headline_of_its_own_and_the_place():
    class Mine(StepwellException):
        headline = "Mine"

    error = Mine("no luck", 7, "flow.py")

    assert (error.headline, error.message, error.line_no, error.source_file) == (
        "Mine",
        "no luck",
        7,
        "flow.py",
    )
    assert str(error) == "flow.py:7: no luck"
    assert (StepwellException().message, StepwellException().line_no) == ("", None)


# SPEC 1.4-3
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_other_module_has_the_same_object_and_its_metaflow_spelling(name):
    assert getattr(metaflow_spelling, name) is CLASSES[name]
    if name.startswith("Stepwell"):
        assert getattr(metaflow_spelling, f"Metaflow{name.removeprefix('Stepwell')}") is CLASSES[name]


# SPEC 1.4-3
def test_the_metaflow_spelling_can_be_imported_and_listed():
    from stepwell.exception import MetaflowException, MetaflowS3NotFound

    assert MetaflowException is StepwellException
    assert issubclass(MetaflowS3NotFound, MetaflowException)
    assert {"MetaflowException", "StepwellException"} <= set(dir(metaflow_spelling))
    with pytest.raises(AttributeError, match="MetaflowNonsense"):
        metaflow_spelling.MetaflowNonsense


class Unspeakable(Exception):
    """Can neither be shown nor pickled."""

    def __str__(self):
        raise RuntimeError("no words")

    def __reduce__(self):
        raise TypeError("no pickle")


# SPEC 1.4-4
def test_the_wrapper_keeps_any_exception_as_text_and_can_always_be_stored():
    try:
        raise Unspeakable(lambda: None)
    except Unspeakable as error:
        wrapper = StepwellExceptionWrapper(error)

    again = pickle.loads(pickle.dumps(wrapper))

    assert again.type == f"{__name__}.Unspeakable"
    assert "its text cannot be made" in again.exception
    assert "raise Unspeakable(lambda: None)" in again.stacktrace
    assert (again.exception, again.type, again.stacktrace) == (
        wrapper.exception,
        wrapper.type,
        wrapper.stacktrace,
    )


# SPEC 1.4-4
def test_the_wrapper_of_an_exception_that_was_never_raised_has_no_stacktrace():
    wrapper = StepwellExceptionWrapper(ValueError("x"))

    assert (wrapper.exception, wrapper.type, wrapper.stacktrace) == ("x", "builtins.ValueError", None)
    assert str(wrapper) == "builtins.ValueError: x"
