r"""Every text in PostgreSQL, which keeps all of Unicode but ``\0``."""

from __future__ import annotations

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader

# One control character, which nobody misses, and what stands for it and for the one that cannot be kept.
_MARK = "\x1a"
_WRITTEN = {"\0": f"{_MARK}0", _MARK: f"{_MARK}1"}


def keep_every_text(db: psycopg.Connection[tuple[object, ...]]) -> None:
    r"""Write ``\0`` as something else from here on, and read it back."""
    db.adapters.register_dumper(str, _TextDumper)
    db.adapters.register_loader("text", _TextLoader)


class _TextDumper(Dumper):
    def dump(self, obj: str) -> bytes:
        if "\0" in obj or _MARK in obj:
            obj = "".join(_WRITTEN.get(character, character) for character in obj)
        return obj.encode()


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        text = bytes(data).decode()
        return text.replace(f"{_MARK}0", "\0").replace(f"{_MARK}1", _MARK) if _MARK in text else text
