"""Keeps the code that a run executes, beside the run: nobody waits for it but the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from stepwell.code_package.package import build, code_version
from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StoreError
from stepwell.version import VERSION


class CodeKeeper:
    """Reads the flow's files and stores their package, in a thread of its own.

    Parameters
    ----------
    suffixes
        Which files belong to it; with none, nothing is kept but the version.

    Attributes
    ----------
    version
        The code version, known at once.
    """

    def __init__(self, script: str, suffixes: Sequence[str], datastore: Datastore) -> None:
        self.version = code_version(script)
        self._script = script
        self._suffixes = suffixes
        self._datastore = datastore
        self._fields: dict[str, str] = {}
        self._thread = threading.Thread(target=self._keep, name="stepwell-code", daemon=True)
        if suffixes:
            self._thread.start()

    def fields(self, patience_s: float | None = None) -> dict[str, str]:
        """Return the run's fields about its code, as far as they are known after so long; None waits."""
        if self._suffixes:
            self._thread.join(patience_s)
        return {"code-version": self.version, **self._fields}

    def _keep(self) -> None:
        try:
            package = build(self._script, self._suffixes, code_version=self.version, stepwell_version=VERSION)
            self._fields = {"code-package": self._datastore.save_file(package.archive)}
        except (OSError, StoreError) as error:
            self._fields = {"code-package-error": str(error)}
