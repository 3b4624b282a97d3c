"""Parsers of configs that come with Stepwell: ``Config("deps", parser=".requirements_txt_parser")``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from stepwell.exceptions import StepwellException

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*(?:\s*\[[^\]]*\])?)\s*"
    r"(?:@\s*(?P<url>[^\s;]+)|\(?(?P<version>(?:(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;)]+\s*,?\s*)*)\)?)\s*"
    r"(?P<marker>;.*)?$"
)
_CONDA = re.compile(r"(?:(?P<channel>[\w./-]+)::)?(?P<name>[\w.-]+)\s*(?P<version>(?:[=<>!~].*)?)$")
_INDEX = re.compile(r"--extra-index-url[\s=]+(\S+)")


class ParserValueError(StepwellException):
    """A text that a parser cannot make anything of; the line is named."""

    headline = "Text cannot be parsed"


def yaml_parser(text: str) -> object:
    """Read YAML. Needs PyYAML.

    Raises
    ------
    ParserValueError
        It is no YAML, or PyYAML is not installed.
    """
    try:
        import yaml  # pyright: ignore[reportMissingModuleSource] - installed by those who use it
    except ImportError:
        raise ParserValueError(
            "YAML is read with PyYAML, which is not installed: pip install 'stepwell[yaml]'"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParserValueError(f"no valid YAML: {error}") from None


def toml_parser(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    ParserValueError
        It is no TOML; the message has line and column.
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParserValueError(f"no valid TOML: {error}") from None


def requirements_txt_parser(text: str) -> dict[str, Any]:
    """Read a requirements file as keyword arguments of ``@pypi_base``: ``packages``, ``extra_indices``.

    Raises
    ------
    ParserValueError
        A line is none of a package; files, editable packages and hashes cannot be taken over.
    """
    packages: dict[str, str] = {}
    indices: list[str] = []
    for number, line in _lines(text):
        index = _INDEX.fullmatch(line)
        if index is not None:
            indices.append(index[1])
        elif line.startswith("-") or " --" in line:
            raise ParserValueError(f"line {number}: `{line}` is an option, and only packages are understood")
        else:
            _add(packages, *_requirement(line, f"line {number}"), f"line {number}")
    found: dict[str, Any] = {"packages": packages}
    return {**found, "extra_indices": indices} if indices else found


def pyproject_toml_parser(text: str) -> dict[str, Any]:
    """Read ``project`` of a pyproject.toml as keyword arguments of ``@pypi_base``: ``packages``, ``python``.

    Raises
    ------
    ParserValueError
        It is no TOML, has no project, or a dependency is none of a package.
    """
    project = toml_parser(text).get("project")
    if not isinstance(project, Mapping):
        raise ParserValueError("there is no table [project]")
    table = cast("Mapping[str, Any]", project)
    packages: dict[str, str] = {}
    for dependency in table.get("dependencies", ()):
        where = f"line {_line_of(text, str(dependency))}"
        _add(packages, *_requirement(str(dependency).strip(), where), where)
    python = table.get("requires-python")
    return {"packages": packages, **({"python": _version(str(python))} if python else {})}


def conda_environment_yml_parser(text: str) -> dict[str, Any]:
    """Read a conda environment as arguments of ``@conda_base``: ``packages``, ``python``, ``channels``.

    Raises
    ------
    ParserValueError
        It is no YAML, or a dependency is none of a package; those of pip cannot be taken over.
    """
    found = yaml_parser(text)
    table = cast("Mapping[str, Any]", found if isinstance(found, Mapping) else {})
    packages: dict[str, str] = {}
    for dependency in table.get("dependencies", ()):
        where = f"line {_line_of(text, dependency if isinstance(dependency, str) else 'pip:')}"
        matched = _CONDA.fullmatch(dependency.strip()) if isinstance(dependency, str) else None
        if matched is None:
            raise ParserValueError(f"{where}: {dependency!r} is no package of conda")
        channel = f"{matched['channel']}::" if matched["channel"] else ""
        _add(packages, f"{channel}{matched['name']}", _version(matched["version"]), where)
    python = packages.pop("python", None)
    return {
        "packages": packages,
        **({"python": python} if python else {}),
        **({"channels": list(table["channels"])} if table.get("channels") else {}),
    }


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        said = re.sub(r"(^|\s)#.*$", "", line).strip()
        if said:
            yield number, said


def _requirement(line: str, where: str) -> tuple[str, str]:
    matched = _REQUIREMENT.fullmatch(line)
    if matched is None:
        raise ParserValueError(f"{where}: `{line}` names no package")
    marker = f" {matched['marker'].strip()}" if matched["marker"] else ""
    name = "".join(matched["name"].split())
    return name, (f"@ {matched['url']}" if matched["url"] else _version(matched["version"])) + marker


def _version(text: str) -> str:
    """Return a version as environments take it: bare if it is one, else a specifier without spaces."""
    spec = "".join(text.split()).rstrip(",")
    single = re.fullmatch(r"={1,2}([^=<>!~,*]+)", spec)
    return single[1] if single else spec


def _add(packages: dict[str, str], name: str, version: str, where: str) -> None:
    if name in packages:
        raise ParserValueError(f"{where}: `{name}` is named twice")
    packages[name] = version


def _line_of(text: str, said: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), start=1) if said in line), 1)
