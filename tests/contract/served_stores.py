"""A server's process for tests: what lies in FOLDER/NAME/metadata.db is served below /NAME."""

import sys
from pathlib import Path

from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.server.app import make_app
from stepwell.server.gate import Door
from stepwell.server.index_access import IndexAccess
from stepwell.server.peers import Peers
from stepwell.server.serving import address_of, listening, serve
from stepwell.server.tokens import TokenFile


class Served:
    """One application for each folder, made when it is first called."""

    def __init__(self, folder, peers):
        self.folder, self.peers, self.apps = folder, peers, {}

    async def __call__(self, scope, receive, send):
        name = scope["path"].split("/")[1]
        if name not in self.apps:
            self.apps[name] = self.app_of(name)
        await self.apps[name](scope, receive, send)

    def app_of(self, name):
        index = IndexAccess(lambda: SqliteMetadata(self.folder / name / "metadata.db"))
        door = Door(names=frozenset(), is_local=True, root_path=f"/{name}")
        return make_app(index, door, TokenFile(self.folder / "no_tokens.json"), self.peers)


if __name__ == "__main__":
    with listening("127.0.0.1", 0) as listener:
        print(address_of(listener, False, ""), flush=True)
        peers = Peers()
        serve(Served(Path(sys.argv[1]), peers), listener, None, peers)
