"""Where things lie in a datastore. No folder of it ever holds more than 10,000 entries.

::

    stepwell.json                                  format version
    blobs/ab/cd/abcd...                            large values, by hash
    clock                                          written to learn the time
    index/SHARD/RUN                                the run's record; who creates it has the id
    index/SHARD/RUN.end                            the record as it was when the run ended
    index/SHARD/RUN.tags                           its user tags, once somebody has changed them
    index/SHARD/RUN.deleted                        says that it is deleted, until all that may go is gone
    runs/FLOW/SHARD/RUN/packs/STEP/SHARD/TASK      the pack of the attempt that won
    runs/FLOW/SHARD/RUN/failed/STEP/SHARD/TASK/ATTEMPT
    runs/FLOW/SHARD/RUN/logs/STEP/SHARD/ATTEMPT/TASK.0       the first segment of a log
    runs/FLOW/SHARD/RUN/logs/STEP/SHARD/ATTEMPT/TASK.more/N  others; N.STREAM.SLOT: the end of a stream
    runs/FLOW/SHARD/RUN/reused                     which tasks are those of other runs
    runs/FLOW/SHARD/RUN/plan.NUMBER                what a `continue` or `resume` set out to do
    runs/FLOW/SHARD/RUN/code.VERSION               the blob with the code of its steps, of one execution
    runs/FLOW/SHARD/RUN/checkpoints/STEP/SHARD/TASK/ATTEMPT/SHARD/NUMBER
    runs/FLOW/SHARD/RUN/cards/STEP/SHARD/TASK/ATTEMPT/CARD/head           what kind of page it is
    runs/FLOW/SHARD/RUN/cards/STEP/SHARD/TASK/ATTEMPT/CARD/SHARD/NUMBER   one component of it
    runs/FLOW/SHARD/RUN/latest/STEP/SHARD/INDEX    the latest checkpoint of a step and foreach index
    latest/FLOW/STEP/SHARD/NAMESPACE/SHARD/INDEX   the same in all runs of a namespace
    cache/shapes/ab/cd/PREFIX/NUMBER               what cached steps with a key's prefix have read
    cache/entries/ab/cd/DIGEST                     tasks whose results can be taken, by whole key
    cache/claims/ab/cd/DIGEST                      who computes one that others wait for
    dropped/ab/cd/DIGEST                           when and why a value was dropped that entries still name
    detached/SHARD/RUN.txt                         what a run in the background has said: a growing text file
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stepwell.model.ids import TaskKey

MARKER = "stepwell.json"
BLOBS = "blobs"
INDEX = "index"
RUNS = "runs"
DETACHED = "detached"
LATEST = "latest"
CACHE = "cache"
CACHE_ENTRIES = f"{CACHE}/entries"
DROPPED = "dropped"
CLOCK = "clock"
"""Written to learn what time it is by the storage's clock."""

_PLAIN = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9._\-]*")
# At most 9,000 shards of 1,000 numbers each, beside the 256 of other ids.
_NUMBERS_BELOW = 9_000_000


def blob_key(digest: bytes) -> str:
    """Key of the blob with this hash."""
    name = digest.hex()
    return f"{BLOBS}/{name[:2]}/{name[2:4]}/{name}"


def dropped_key(digest: bytes) -> str:
    """Key of the note that the value with this hash was dropped."""
    name = digest.hex()
    return f"{DROPPED}/{name[:2]}/{name[2:4]}/{name}"


def cache_shape_key(prefix: bytes, number: int) -> str:
    """Key of one of the shapes of a prefix, numbered from 0."""
    return f"{_cached('shapes', prefix)}/{number}"


def cache_entry_key(digest: bytes) -> str:
    """Key of the entry that lies under a digest."""
    return _cached("entries", digest)


def cache_claim_key(digest: bytes) -> str:
    """Key of the claim on a result that is computed."""
    return _cached("claims", digest)


def _cached(what: str, digest: bytes) -> str:
    name = digest.hex()
    return f"{CACHE}/{what}/{name[:2]}/{name[2:4]}/{name}"


def run_folder(flow: str, run: str) -> str:
    """Folder of everything that belongs to one run alone."""
    return f"{RUNS}/{_name(flow)}/{_sharded(run)}"


def run_record_key(run: str) -> str:
    """Key of a run's record: without the flow, so that no two runs of a datastore have one id."""
    return f"{INDEX}/{_sharded(run)}"


def detached_output_key(run: str, time: int = 1) -> str:
    """Place of the text file with what a run in the background has said; only a local datastore has it.

    Parameters
    ----------
    time
        How often the run has gone to the background: it may be continued.
    """
    return f"{DETACHED}/{_sharded(run)}{'' if time == 1 else f'-{time}'}.txt"


def pack_key(key: TaskKey) -> str:
    """Key of a task's pack: without the attempt, so that of two attempts one wins."""
    return f"{run_folder(key.flow, key.run)}/packs/{_name(key.step)}/{_sharded(key.task)}"


def failures_folder(key: TaskKey) -> str:
    """Folder of the packs of a task's failed attempts."""
    return f"{run_folder(key.flow, key.run)}/failed/{_name(key.step)}/{_sharded(key.task)}"


def failure_key(key: TaskKey, attempt: int) -> str:
    """Key of the pack of a failed attempt."""
    return f"{failures_folder(key)}/{attempt}"


def task_of(key: str) -> str:
    """Return the task, as FLOW/RUN/STEP/TASK, that the key of a pack belongs to."""
    _, flow, *parts = key.split("/")
    run, (_, step, *parts) = _behind_shard(parts)
    task, _ = _behind_shard(parts)
    return "/".join(map(_plain, (flow, run, step, task)))


class RunObject(NamedTuple):
    """An object in the folder of a run: whose it is, of what kind, and the task if it belongs to one."""

    flow: str
    run: str
    kind: str
    step: str = ""
    task: str = ""


OF_TASKS = ("packs", "failed", "logs", "checkpoints", "cards")
"""Kinds of objects that belong to tasks."""


def object_of(key: str) -> RunObject | None:
    """Return what lies at a key below `RUNS`; None if it is no key that we make."""
    try:
        _, flow, *parts = key.split("/")
        run, (kind, *parts) = _behind_shard(parts)
        if kind not in OF_TASKS:
            return RunObject(_plain(flow), _plain(run), kind)
        step, *parts = parts
        if kind == "logs":
            # The attempt stands between the shard and the task, whose name ends before its last dot.
            *_, name = parts[: (3 if parts[0].startswith("h") else 2) + 1]
            task = name.rpartition(".")[0]
        else:
            task, _ = _behind_shard(parts)
    except (ValueError, IndexError):
        return None
    return RunObject(_plain(flow), _plain(run), kind, _plain(step), _plain(task))


def _behind_shard(parts: list[str]) -> tuple[str, list[str]]:
    """Return what `_sharded` put behind its shard, and the rest."""
    place = 2 if parts[0].startswith("h") else 1
    return parts[place], parts[place + 1 :]


def reused_key(flow: str, run: str) -> str:
    """Key of the table of tasks that a run takes from others."""
    return f"{run_folder(flow, run)}/reused"


def step_codes_key(flow: str, run: str, version: str) -> str:
    """Key of what names the code of a run's steps, in an execution with this code version."""
    return f"{run_folder(flow, run)}/code.{_name(version)}"


def plan_key(flow: str, run: str, number: int) -> str:
    """Key of what an execution of a run that goes on from an earlier one set out to do."""
    return f"{run_folder(flow, run)}/plan.{number}"


def log_key(key: TaskKey, attempt: int, segment: int) -> str:
    """Key of one segment of an attempt's log."""
    return f"{_log(key, attempt)}.{f'more/{segment}' if segment else 0}"


def log_end_key(key: TaskKey, attempt: int, ring: int, stream: str, slot: int) -> str:
    """Key of a slot of the ring that holds the end of a stream."""
    return f"{_log(key, attempt)}.more/{ring}.{stream}.{slot}"


def _log(key: TaskKey, attempt: int) -> str:
    shard, _, task = _sharded(key.task).rpartition("/")
    return f"{run_folder(key.flow, key.run)}/logs/{_name(key.step)}/{shard}/{attempt}/{task}"


def checkpoints_of_run_folder(flow: str, run: str) -> str:
    """Folder of all checkpoints of a run."""
    return f"{run_folder(flow, run)}/checkpoints"


def checkpoints_folder(key: TaskKey) -> str:
    """Folder of all checkpoints of a task."""
    return f"{checkpoints_of_run_folder(key.flow, key.run)}/{_name(key.step)}/{_sharded(key.task)}"


def checkpoint_key(key: TaskKey, attempt: int, number: int) -> str:
    """Key of a checkpoint that an attempt has saved."""
    return f"{checkpoints_folder(key)}/{attempt}/{_sharded(str(number))}"


def cards_folder(key: TaskKey) -> str:
    """Folder of all cards of a task."""
    return f"{run_folder(key.flow, key.run)}/cards/{_name(key.step)}/{_sharded(key.task)}"


def card_head_key(key: TaskKey, attempt: int, card: int) -> str:
    """Key of what an attempt's card begins with; cards of a step are numbered from 0."""
    return f"{cards_folder(key)}/{attempt}/{card}/head"


def card_part_key(key: TaskKey, attempt: int, card: int, number: int) -> str:
    """Key of a component of a card."""
    return f"{cards_folder(key)}/{attempt}/{card}/{_sharded(str(number))}"


def latest_of_run_key(flow: str, run: str, step: str, index_path: str) -> str:
    """Key of what says which checkpoint is the latest of a step and foreach index in a run."""
    return f"{run_folder(flow, run)}/{LATEST}/{_name(step)}/{_sharded(index_path or '-')}"


def latest_of_namespace_key(flow: str, step: str, namespace: str, index_path: str) -> str:
    """Key of what says which checkpoint is the latest of a step and foreach index in a namespace."""
    # No namespace, which is the global one, has a name of its own: tags may have any.
    inside = f"{_sharded(f'={namespace}')}/{_sharded(index_path or '-')}"
    return f"{LATEST}/{_name(flow)}/{_name(step)}/{inside}"


def _sharded(ident: str) -> str:
    """An id behind its shard: thousands for small numbers, else two levels of hash."""
    if ident.isascii() and ident.isdigit():
        number = int(ident)
        if number < _NUMBERS_BELOW and str(number) == ident:
            return f"{number // 1000}/{ident}"
    from hashlib import blake2b

    shard = blake2b(ident.encode(), digest_size=2).hexdigest()
    return f"h{shard[:2]}/{shard[2:]}/{_name(ident)}"


def _name(name: str) -> str:
    """A name as a part of a key; what keys may not hold is written as ``=XX``."""
    if _PLAIN.fullmatch(name):
        return name
    return "".join(c if _PLAIN.fullmatch(c) else "".join(f"={b:02x}" for b in c.encode()) for c in name)


def _plain(part: str) -> str:
    """What `_name` wrote as a part of a key."""
    from urllib.parse import unquote_to_bytes  # for the tools that read whole datastores

    return unquote_to_bytes(part.replace("=", "%")).decode() if "=" in part else part
