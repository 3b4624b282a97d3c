"""The ordered choice among serializers, for writing by type and for reading by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from stepwell.datastore.pickles import NotPlain, PickleSerializer, load_plain
from stepwell.datastore.preview import class_name
from stepwell.datastore.serializer import Pieces, Serializer
from stepwell.exceptions import DataException, UntrustedData

PICKLE = "pickle"

Found = tuple[Mapping[str, Serializer], Mapping[str, str]]
"""Serializers by label, ``NAME@DISTRIBUTION``; and why others cannot be used, by theirs."""


def none_installed() -> Found:
    """Find nothing."""
    return {}, {}


class SerializerFailed(Exception):
    """A serializer that was installed raised, or returned what is no bytes."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(why)
        self.label = label


class Distrust(Struct, frozen=True):
    """Why nothing may be loaded from a place that could run code.

    Attributes
    ----------
    why
        A clause, such as "the datastore belongs to the user ann".
    """

    place: str
    why: str


class Serializers:
    """Serializers of one datastore. Pickle takes what none of the installed ones wants.

    Parameters
    ----------
    find
        Looks for installed ones. Called when the first value is written, or one is read that pickle did not
        write.
    distrust
        Why nothing may be loaded that could run code; None if everything may be.
    """

    def __init__(self, find: Callable[[], Found] = none_installed, distrust: Distrust | None = None) -> None:
        self._find = find
        self._distrust = distrust
        self._pickle = PickleSerializer()
        self._found: Found | None = None

    @property
    def broken(self) -> Mapping[str, str]:
        """Why serializers that are installed cannot be used, by label."""
        return self._installed()[1]

    def dump(self, value: object) -> tuple[str, Pieces]:
        """Return the label of the serializer that took the value, and the bytes in pieces.

        Raises
        ------
        SerializerFailed
            An installed one that wants the type failed. What pickle raises comes through.
        """
        usable = self._installed()[0]
        for label in _takers(usable, value) if usable else ():
            try:
                pieces = usable[label].dump(value)
            except Exception as error:
                raise SerializerFailed(label, f"{type(error).__name__}: {error}") from error
            if pieces is not None:
                return label, _checked(label, pieces)
        return PICKLE, self._pickle.dump(value)

    def load(self, label: str, data: memoryview, describe: Callable[[], str]) -> object:
        """Return the value that the serializer ``label`` wrote.

        Parameters
        ----------
        describe
            Says what is read, for the error.

        Raises
        ------
        DataException
            The serializer is not installed here, or cannot be used.
        UntrustedData
            Loading the value could run code of somebody who is not trusted.
        """
        distrust = self._distrust
        if label == PICKLE:
            return self._pickle.load(data) if distrust is None else _plain(data, distrust, describe)
        serializer = self._named(label)
        if distrust is not None and (serializer is None or not serializer.safe):
            why = "is not here" if serializer is None else "does not promise to run no code of theirs"
            raise _refusal(describe(), distrust, f"the serializer {in_words(label)} {why}")
        if serializer is None:
            raise DataException(f"{describe()} {_unusable(label, self.broken.get(label))}")
        return serializer.load(data)

    def _installed(self) -> Found:
        if self._found is None:
            self._found = self._find()
        return self._found

    def _named(self, label: str) -> Serializer | None:
        if label not in self._installed()[0]:
            self._found = None  # it may have been installed meanwhile, as in a notebook
        return self._installed()[0].get(label)


def _unusable(label: str, why: str | None) -> str:
    written, distribution = f"was written by the serializer {in_words(label)}", label.partition("@")[2]
    if why is not None:
        return f"{written}, which cannot be used: {why}. Mend or update {distribution}."
    way = f"Install it (`pip install {distribution}`) and read again." if distribution else "Install it."
    return f"{written}, which is not installed here. {way} Previews and bytes can be read without it."


def _plain(data: memoryview, distrust: Distrust, describe: Callable[[], str]) -> object:
    try:
        return load_plain(data)
    except NotPlain as error:
        raise _refusal(describe(), distrust, f"loading its pickle may run code: {error}") from error


def _refusal(what: str, distrust: Distrust, why: str) -> UntrustedData:
    return UntrustedData(
        f"{what} was not loaded: {distrust.why}, and {why}. If you trust all who can write there, open it "
        f"with `metadata({distrust.place!r}, trust=True)`, or set STEPWELL_TRUST={distrust.place}. Without "
        "trust, an artifact's `.preview` and `.bytes()` can be read."
    )


def _takers(usable: Mapping[str, Serializer], value: object) -> Iterator[str]:
    """Labels of serializers that want values of this type: by priority, then those for the nearest class."""
    distance = {class_name(cls): place for place, cls in enumerate(type(value).__mro__)}
    wanting = (
        (-serializer.priority, min(distance[name] for name in serializer.types if name in distance), label)
        for label, serializer in usable.items()
        if not distance.keys().isdisjoint(serializer.types)
    )
    return (label for _, _, label in sorted(wanting))


def _checked(label: str, pieces: Any) -> Pieces:
    """Return the pieces as flat bytes."""
    try:
        return [memoryview(piece).cast("B") if len(piece) else b"" for piece in pieces] or (b"",)
    except TypeError as error:
        raise SerializerFailed(label, f"`dump` must return bytes in a sequence of pieces: {error}") from error


def in_words(label: str) -> str:
    """Return a label as messages have it."""
    name, _, distribution = label.partition("@")
    return f"{name!r} of the distribution {distribution}" if distribution else repr(label)
