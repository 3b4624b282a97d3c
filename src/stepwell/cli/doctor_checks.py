"""What ``doctor`` looks at. Each check returns findings; none of them changes anything that stays."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from msgspec import Struct

from stepwell.exceptions import StepwellException, StepwellNotFound
from stepwell.settings.keys import is_secret
from stepwell.settings.settings import Settings
from stepwell.version import VERSION

Severity = Literal["ok", "warning", "fatal"]

_LIBRARIES = ("blake3", "click", "cloudpickle", "msgspec", "rich")
_LITTLE_SPACE = 1 << 30
_TOO_LITTLE_SPACE = 64 << 20
_CLOCK_SKEW_S = 5.0
_FEW_FILES = 1024
_ADVICE = {
    errno.ENOSPC: "Free some space on its disk",
    errno.EDQUOT: "Free some space: your quota is used up",
    errno.EROFS: "Mount its file system for writing",
    errno.EIO: "Check the disk",
    errno.ENOTDIR: "Remove the file that is in the way",
}


class Finding(Struct, frozen=True):
    """One thing that was looked at, how it is, and what to do if it is not well."""

    check: str
    severity: Severity
    text: str
    fix: str = ""


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what every check finds, in the order in which a user would go about it."""
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("system", _system),
        ("versions", _versions),
        ("settings", _settings),
        ("datastore", _datastore),
        ("metadata", _metadata),
        ("engines", _engines),
        ("credentials", _credentials),
        ("plugins", _plugins),
    )
    for name, check in checks:
        try:
            yield from check(settings)
        except (StepwellException, OSError) as error:
            yield Finding(name, "fatal", str(error), "Mend that first; a run would meet it too.")


def _python(_settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "python", "ok", f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    )


def _system(_settings: Settings) -> Iterator[Finding]:
    """Yield what other systems have and this one has not, and what follows from it."""
    from stepwell.engines.local.promises import CAPABILITIES

    what_if_not: Mapping[str, tuple[bool, str]] = {
        "forking of processes": (
            hasattr(os, "fork"),
            "Tasks are spawned; `run --detach`, `--debug`, `--pdb` and `run-many` are refused.",
        ),
        "signals to groups of processes": (
            hasattr(os, "killpg"),
            "What a task has started goes on when the task is ended.",
        ),
        "locks on files": (
            _has_locks(),
            "`rm` and `gc` are refused, for they could not tell what a run relies on.",
        ),
        "a view of the memory that processes use": (
            CAPABILITIES.memory_limits,
            "`@resources(enforce=True)` is refused.",
        ),
    }
    for what, (is_there, consequence) in what_if_not.items():
        if not is_there:
            yield Finding("system", "warning", f"this system has no {what}", consequence)


def _has_locks() -> bool:
    try:
        import fcntl  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        return False
    return True


def _versions(_settings: Settings) -> Iterator[Finding]:
    found: list[str] = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("versions", "fatal", f"{name} is not installed", f"pip install {name}")
    yield Finding("versions", "ok", f"Stepwell {VERSION}; {', '.join(found)}")


def _settings(settings: Settings) -> Iterator[Finding]:
    for warning in settings.warnings:
        yield Finding("settings", "warning", warning, "Correct or remove it.")
    yield Finding("settings", "ok", f"{len(settings.values)} set, for user {settings.user!r}")


def _datastore(settings: Settings) -> Iterator[Finding]:
    yield from datastore_findings(settings.datastore_root)


def datastore_findings(root: Path) -> Iterator[Finding]:
    """Yield whether results could be kept in a directory, which need not exist yet."""
    place = root
    while not place.exists():
        place = place.parent
    state = "" if place == root else ", which the first run makes,"
    yield from _writing(place, f"{root}{state}")
    yield from _space(place)


def _writing(folder: Path, shown: str) -> Iterator[Finding]:
    """Write, rename and lock, in a folder of its own that is removed again; and compare the clocks."""
    try:
        with tempfile.TemporaryDirectory(prefix=".stepwell-doctor-", dir=folder) as scratch:
            first, second = Path(scratch, "a"), Path(scratch, "b")
            first.write_bytes(b"x")
            first.rename(second)
            skew = second.stat().st_mtime - time.time()
            locks = _can_lock(second)
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "Give yourself write access")
        fix = f"{advice}, or choose another place with --datastore-root."
        yield Finding("datastore", "fatal", f"{shown} cannot be written: {error.strerror}", fix)
        return
    yield Finding("datastore", "ok", f"{shown} can be written")
    if not locks:
        fix = "Use a local disk, or a network file system with locks."
        yield Finding("datastore", "fatal", f"{shown} has no working file locks", fix)
    if abs(skew) > _CLOCK_SKEW_S:
        text = f"its clock is {skew:+.0f} s from this machine's"
        yield Finding("clock", "warning", text, "Synchronise the clocks (NTP).")
    else:
        yield Finding("clock", "ok", "the clocks of this machine and of the datastore agree")


def _can_lock(file: Path) -> bool:
    if not _has_locks():
        return True  # that is told of the system; SQLite has locks of its own
    import fcntl

    with file.open("rb") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _space(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    text = f"{free / (1 << 30):.1f} GiB free"
    fix = "Free some space, or choose another disk with --datastore-root."
    level: Severity = "fatal" if free < _TOO_LITTLE_SPACE else "warning" if free < _LITTLE_SPACE else "ok"
    yield Finding("disk", level, text, fix if level != "ok" else "")


def _metadata(settings: Settings) -> Iterator[Finding]:
    from stepwell.metadata_store.store import RunQuery
    from stepwell.wiring.stores import open_stores

    try:
        metadata = open_stores(settings=settings).metadata
    except StepwellNotFound:
        yield Finding("metadata", "ok", "nothing recorded yet")
        return
    newest = metadata.runs(RunQuery(limit=1))
    text = f"{metadata.location}: {len(metadata.flows())} flows"
    yield Finding("metadata", "ok", f"{text}, newest run {newest[0].run}" if newest else text)


def _engines(_settings: Settings) -> Iterator[Finding]:
    from stepwell.engine.cores import usable_cores
    from stepwell.engines.local.safety import why_not_fork

    hazard = why_not_fork()
    if hazard is None:
        yield Finding("engines", "ok", f"local: tasks are forked, {usable_cores()} at once")
    else:
        yield Finding("engines", "warning", f"local: tasks are spawned. {hazard}", "Tasks start more slowly.")
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files < _FEW_FILES:
        text = f"a process may open only {files} files"
        yield Finding("engines", "warning", text, f"Raise it: ulimit -n {_FEW_FILES}")


def _credentials(settings: Settings) -> Iterator[Finding]:
    for name, value in sorted(settings.values.items()):
        if is_secret(name):
            yield Finding("credentials", "ok", f"{name} is set ({value.origin})")


def _plugins(_settings: Settings) -> Iterator[Finding]:
    from stepwell.cli.doctor_plugins import plugin_states

    for state in plugin_states():
        yield Finding("plugins", "warning" if state.fix else "ok", state.text, state.fix)
