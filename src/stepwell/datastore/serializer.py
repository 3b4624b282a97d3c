"""The serializer port: values of some types to bytes and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from stepwell.datastore.storage import Buffer

Pieces = Sequence[Buffer]


class Serializer(ABC):
    """Writes and reads values of some types. Made without arguments, once in each process.

    Attributes
    ----------
    types
        Dotted names of classes as manifests have them, such as ``pandas.core.frame.DataFrame``; built-in ones
        without a module, such as ``dict``. Values of these classes and of their subclasses are offered to it.
    priority
        Of several serializers the one with the highest is asked first. Pickle is asked last of all.
    safe
        Promises that `load` runs nothing that the bytes choose: it is then used for bytes of strangers, too.
    """

    types: ClassVar[tuple[str, ...]]
    priority: ClassVar[int] = 0
    safe: ClassVar[bool] = False

    @abstractmethod
    def dump(self, value: object) -> Pieces | None:
        """Return the bytes in pieces, without copying large buffers; None refuses the value.

        A value that was refused is offered to the next serializer. An exception fails the task. A value that
        was loaded and has not been changed gives the bytes that it was loaded from.
        """

    @abstractmethod
    def load(self, data: memoryview) -> object:
        """Return the value that `dump` wrote, in this process or another, with this version or a later one.

        ``data`` is private and writable; the value may keep views of it.
        """
