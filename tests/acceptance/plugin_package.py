"""Distributions with plugins, installed by pip from a wheel as anybody's would be."""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(
    folder: Path, name: str, version: str, modules: Mapping[str, str], plugins: Mapping[str, str]
) -> Path:
    """Build a distribution with these modules, by file, and these entry points for Stepwell."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    points = "\n".join(f"{key} = {value}" for key, value in plugins.items())
    files = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": f"[stepwell.plugins]\n{points}\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def install(site: Path, *wheels: Path) -> None:
    """Install wheels into a folder that Python imports from."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile")
    words = (*pip, "--disable-pip-version-check", "--target", str(site), *map(str, wheels))
    subprocess.run(words, check=True, capture_output=True, timeout=120)
