"""The code of a run, as its package has it."""

from __future__ import annotations

import tarfile
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import cast

from stepwell.client.stored import StoredRun
from stepwell.code_package.package import INFO, read_info


class MetaflowCode:
    """The files that a run was started from. They are read on first use.

    Use ``run.code`` or ``task.code``; it is None if the run kept no code.
    """

    def __init__(self, run: StoredRun, package: str) -> None:
        self._run = run
        self._package = package
        self._archive: bytes | None = None

    @classmethod
    def of(cls, run: StoredRun) -> MetaflowCode | None:
        """Return the code of a run, or None if none was kept."""
        package = run.record().fields.get("code-package")
        return None if package is None else cls(run, package)

    @property
    def path(self) -> str:
        """Where the archive is: the datastore, and the hash of the archive's bytes."""
        return f"{self._run.connection.stores.datastore.location}#{self._package}"

    @property
    def info(self) -> dict[str, object]:
        """``script``, ``code_version``, ``stepwell_version``, ``files`` (their number), ``left_out``."""
        return read_info(self._read(INFO))

    @property
    def script_name(self) -> str:
        """Name of the flow's file in the archive."""
        return cast("str", self.info["script"])

    @property
    def flowspec(self) -> str:
        """The source text of the flow's file.

        Raises
        ------
        KeyError
            The file was gone when the run started.
        """
        return self._read(self.script_name).decode(errors="replace")

    @property
    def tarball(self) -> tarfile.TarFile:
        """The archive, opened anew each time.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
            It is not as it was written, or is gone.
        """
        if self._archive is None:
            what = f"the code of run {self._run.flow}/{self._run.run}"
            self._archive = self._run.connection.stores.datastore.load_file(self._package, what)
        return tarfile.open(fileobj=BytesIO(self._archive), mode="r:gz")

    def extract(self) -> TemporaryDirectory[str]:
        """Unpack the files into a new temporary directory, which is removed when the object returned is gone.

        Use it in a ``with`` statement; ``.name`` is its path otherwise.
        """
        folder = TemporaryDirectory(prefix="stepwell-code-")
        with self.tarball as tarball:
            # Python < 3.11.4 knows no filters; there the archive's hash must be guard enough.
            tarball.extraction_filter = getattr(tarfile, "data_filter", None)
            tarball.extractall(folder.name)
        return folder

    def __repr__(self) -> str:
        return f"<MetaflowCode of {self._run.flow}/{self._run.run}>"

    def _read(self, name: str) -> bytes:
        with self.tarball as tarball:
            member = tarball.extractfile(name)
            assert member is not None, "packages hold files alone"
            return member.read()
