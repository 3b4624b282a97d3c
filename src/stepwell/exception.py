"""Every class of `stepwell.exceptions` again, with the ``Metaflow`` spelling of each ``Stepwell`` name.

``MetaflowException is StepwellException``: the same object, so that ``except`` and ``isinstance`` agree.
"""

from stepwell import exceptions as _exceptions
from stepwell.exceptions import *  # noqa: F403

MetaflowDataMissing = _exceptions.StepwellDataMissing
MetaflowException = _exceptions.StepwellException
MetaflowExceptionWrapper = _exceptions.StepwellExceptionWrapper
MetaflowInternalError = _exceptions.StepwellInternalError
MetaflowInvalidPathspec = _exceptions.StepwellInvalidPathspec
MetaflowNamespaceMismatch = _exceptions.StepwellNamespaceMismatch
MetaflowNotFound = _exceptions.StepwellNotFound
MetaflowS3AccessDenied = _exceptions.StepwellS3AccessDenied
MetaflowS3Exception = _exceptions.StepwellS3Exception
MetaflowS3InsufficientDiskSpace = _exceptions.StepwellS3InsufficientDiskSpace
MetaflowS3InvalidObject = _exceptions.StepwellS3InvalidObject
MetaflowS3InvalidRange = _exceptions.StepwellS3InvalidRange
MetaflowS3NotFound = _exceptions.StepwellS3NotFound
MetaflowS3URLException = _exceptions.StepwellS3URLException
MetaflowTaggingError = _exceptions.StepwellTaggingError
MetaflowUnknownUser = _exceptions.StepwellUnknownUser
