"""Flows as files, run by the real command line in a datastore of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from stepwell.datastore.datastore import Datastore
from stepwell.metadata_store.store import TaskQuery
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.wiring.stores import open_stores

HEAD = "from stepwell import FlowSpec, JSONType, Parameter, current, step\n"
FOOT = '\n\nif __name__ == "__main__":\n    F()\n'


class Ran:
    """A finished command, and what it left in the datastore.

    Tasks are addressed by step and by the order in which they became ready, from 0.
    """

    def __init__(self, root: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.root = root
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def datastore(self) -> Datastore:
        return open_stores(str(self.root)).datastore

    def tasks(self, step: str) -> list[Pack]:
        """Packs of the succeeded tasks of a step, oldest first."""
        stores = open_stores(str(self.root))
        rows = stores.metadata.tasks(TaskQuery(flow="F", run="1", step=step, ascending=True))
        packs = (stores.datastore.pack(TaskKey("F", "1", step, row.task)) for row in rows)
        return [pack for pack in packs if pack is not None]

    def failures(self, step: str) -> list[Pack]:
        """Packs that the failed attempts of the first task of a step left."""
        stores = open_stores(str(self.root))
        first = stores.metadata.tasks(TaskQuery(flow="F", run="1", step=step, ascending=True))[0]
        return stores.datastore.failures(TaskKey("F", "1", step, first.task))

    def names(self, step: str, task: int = 0) -> set[str]:
        """What a task can see, without parameters' hidden companion `_graph_info`."""
        return set(self.datastore.visible(self.tasks(step)[task])) - {"_graph_info"}

    def values(self, step: str, task: int = 0) -> dict[str, object]:
        """All artifacts of a task, by name."""
        datastore, pack = self.datastore, self.tasks(step)[task]
        entries = datastore.visible(pack)
        return {name: datastore.load("F", entry) for name, entry in entries.items() if name != "_graph_info"}

    def value(self, name: str, step: str = "end", task: int = 0) -> object:
        datastore = self.datastore
        return datastore.load("F", datastore.visible(self.tasks(step)[task])[name])


class Flows:
    """Writes flows into a directory and runs them there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, body: str, name: str = "flow.py") -> Path:
        path = self.folder / name
        path.write_text(HEAD + dedent(body) + FOOT)
        return path

    def run(self, body: str, *options: str, **variables: str) -> Ran:
        """Run the flow ``F`` whose definition is ``body``; its run id is 1 in a fresh datastore."""
        self.write(body)
        root = self.folder / "store"
        done = subprocess.run(
            [sys.executable, "flow.py", "run", *options],
            cwd=self.folder,
            env={**os.environ, "STEPWELL_DATASTORE_ROOT": str(root), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(root, done)
