"""What a manifest says of an artifact, and where the items of a foreach lie."""

from __future__ import annotations

from msgspec import Struct


class ArtifactEntry(Struct, frozen=True, array_like=True):
    """One name in a manifest.

    Attributes
    ----------
    name
        The attribute's name.
    digest
        BLAKE3 (32 bytes) over the serialized value: equal values have equal digests.
    size
        Length of the serialized value in bytes.
    serializer
        Name of the serializer that wrote the value and reads it.
    type
        Dotted name of the value's class.
    preview
        Short safe text made when the value was written; empty in inherited entries.
    inline
        The serialized value itself when it is small and this pack wrote it.
    home
        ``RUN/STEP/TASK`` of the pack that holds a small inherited value inline; empty otherwise.

    A value that is neither ``inline`` nor at ``home`` is the blob ``digest``.
    """

    name: str
    digest: bytes
    size: int
    serializer: str
    type: str
    preview: str = ""
    inline: bytes | None = None
    home: str = ""


class ItemsRef(Struct, frozen=True, array_like=True):
    """Where the items of one foreach split lie, so that a child reads only its own.

    Attributes
    ----------
    count
        How many items there are.
    digest
        The blob that holds them; empty when they are small and lie in the split task's pack.
    """

    count: int
    digest: bytes = b""
