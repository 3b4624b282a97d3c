"""A reproducible archive: the same files give the same bytes, wherever and whenever it is made.

The format is tar (POSIX.1-2001, "pax") under gzip, which any machine can unpack. It is written here and not
by `tarfile`, whose import would cost every run 8 ms; reading is left to `tarfile`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_BLOCK = 512
_NAME_BYTES = 100


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the archive of files, each given by name and content, in the order given."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    pieces = [compressor.compress(block) for block in _blocks(files)]
    pieces.append(compressor.flush())
    return b"".join(pieces)


def _blocks(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    for name, content in files:
        encoded = name.encode("utf-8", "surrogateescape")
        if len(encoded) > _NAME_BYTES or not name.isascii():
            record = _pax_record(b"path", encoded)
            yield _header(b"pax", len(record), b"x")
            yield _padded(record)
        yield _header(encoded[:_NAME_BYTES], len(content), b"0")
        yield _padded(content)
    yield bytes(2 * _BLOCK)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _BLOCK)


def _pax_record(key: bytes, value: bytes) -> bytes:
    """``LENGTH KEY=VALUE\\n``, in which the length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(rest) + len(str(length)) != length:
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _header(name: bytes, size: int, kind: bytes) -> bytes:
    fields = (
        name.ljust(_NAME_BYTES, b"\0"),
        b"0000644\0",  # mode
        b"0000000\0" * 2,  # user, group
        b"%011o\0" % size,
        b"00000000000\0",  # time
        b" " * 8,  # checksum, counted as spaces
        kind,
        bytes(100),  # link
        b"ustar\00000",
    )
    block = b"".join(fields).ljust(_BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
