"""Collects a datastore again and again, as fast as it can, until its standard input is closed.

Or, given a number, once: and is killed when it is about to remove, or to write, for that time.

    python collecting.py ROOT KEEP GRACE_S [KILL_AT]
"""

import os
import select
import signal
import sys
import time
from pathlib import Path

from stepwell.datastore.datastore import Datastore
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.storages.local import LocalStorage
from stepwell.upkeep.collection import Asked, collect
from stepwell.upkeep.live_runs import Here, is_ending, runs_of
from stepwell.upkeep.retention import Retention, Rules, verdicts


class KilledStorage(LocalStorage):
    """Kills its process at a certain change; what is removed is removed one by one."""

    left = int(sys.argv[4]) if len(sys.argv) > 4 else -1

    def _change(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def replace(self, key, data):
        self._change()
        super().replace(key, data)

    def delete(self, keys):
        self._change()
        super().delete(keys)

    def discard(self, keys, before):
        gone = []
        for key in keys:
            self._change()
            gone += super().discard([key], before)
        return gone


def main(root, keep, grace_s):
    rounds = freed = 0
    while True:
        datastore = Datastore.open(KilledStorage(root))
        metadata = SqliteMetadata(Path(root) / "metadata.db")
        here = Here(os.uname().nodename, time.time())
        retention = Retention(general=Rules(keep_last=keep))
        gone = [
            verdict.run
            for flow in metadata.flows()
            for verdict in verdicts(runs_of(datastore, metadata, flow, here), retention, here.now)
            if not verdict.keep and not is_ending(verdict.run, here)
        ]
        freed += collect(datastore, metadata, here, Asked(delete=gone, grace_s=grace_s)).freed
        metadata.close()
        rounds += 1
        if KilledStorage.left > 0 or select.select([sys.stdin], [], [], 0)[0]:
            print(rounds, freed)
            return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
