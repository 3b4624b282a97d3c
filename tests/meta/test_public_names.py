"""The package's root: every public name resolves, is documented, and costs little until it is used."""

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import stepwell
from stepwell.definition.announced import ANNOUNCED

HEAVY = {
    "numpy",
    "pandas",
    "rich",
    "click",
    "boto3",
    "asyncio",
    "sqlite3",
    "multiprocessing",
    "pyarrow",
    "sklearn",
}


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after this code."""
    listing = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listing.stdout.split())


def public_names() -> list[str]:
    return sorted(set(stepwell.__all__) - {"__version__"})


@pytest.mark.smoke
@pytest.mark.parametrize("name", public_names())
def test_every_public_name_resolves_and_is_documented(name):  # SPEC 1.1-2
    value = getattr(stepwell, name)

    # An object of a class of ours, such as `current`, is documented by its class; a plain string is not.
    is_ours = callable(value) or type(value).__module__.startswith("stepwell")
    assert is_ours and value.__doc__


PYRIGHT = shutil.which(
    "pyright", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
)


@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed; `make check` has it")
def test_every_public_name_has_a_type_that_all_checkers_agree_on():  # SPEC 1.1-2
    asked = [sys.executable, "--verifytypes", "stepwell", "--ignoreexternal", "--outputjson"]
    # An editable install is seen only so.
    paths = (str(Path(stepwell.__file__).parents[1]), sysconfig.get_path("purelib"))
    place = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    verdict = subprocess.run([PYRIGHT, "--pythonpath", *asked], capture_output=True, env=place)
    symbols = {
        symbol["name"]: symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
        for symbol in json.loads(verdict.stdout)["typeCompleteness"]["symbols"]
    }

    assert [
        name for name in public_names() if not symbols[f"stepwell.{name}"] and name not in ANNOUNCED
    ] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        stepwell.no_such_name


def test_editors_see_the_names_that_resolve():
    """The table for run time and its twin for type checkers have the same names."""
    source = Path(stepwell.__file__).read_text()

    seen_by_editors = {
        alias.asname or alias.name
        for block in ast.walk(ast.parse(source))
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set(public_names()) - {"VERSION"} <= seen_by_editors


@pytest.mark.smoke
def test_importing_the_package_loads_next_to_nothing():  # SPEC 1.1-3
    loaded = modules_after("import stepwell")

    ours = {name for name in loaded if name.split(".")[0] == "stepwell"}
    assert len(ours) < 10, sorted(ours)
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()


def test_defining_a_flow_loads_no_heavy_library():
    loaded = modules_after("from stepwell import FlowSpec, Parameter, step")

    assert {name.split(".")[0] for name in loaded} & HEAVY == set()
    assert {
        name for name in loaded if name.startswith(("stepwell.cli", "stepwell.client", "stepwell.wiring"))
    } == set()


RESOLVE_EACH = """
import json, sys

def loaded(name):
    for module in [module for module in sys.modules if module.split(".")[0] == "stepwell"]:
        del sys.modules[module]
    import stepwell
    getattr(stepwell, name)
    return sorted(module for module in sys.modules if module.startswith("stepwell."))

import stepwell
print(json.dumps({name: loaded(name) for name in stepwell.__all__}))
"""


@pytest.mark.smoke
def test_resolving_one_name_does_not_import_the_others():  # SPEC 1.1-3
    listing = subprocess.run([sys.executable, "-c", RESOLVE_EACH], capture_output=True, text=True, check=True)
    loaded = {name: set(modules) for name, modules in json.loads(listing.stdout).items()}

    # What a name may need of others: decorators are of a class and are put on steps of flows, the client asks
    # who runs it, and a file that is included is a parameter.
    needed = {
        *("stepwell.definition.flowspec", "stepwell.definition.step", "stepwell.definition.parameters"),
        *("stepwell.definition.decorator", "stepwell.definition.placing"),
        "stepwell.runtime.task.current",
    }
    homes = set(stepwell._WHERE.values()) - needed
    for name in public_names():
        assert loaded[name] & homes <= {stepwell._WHERE[name]}
        is_client = stepwell._WHERE[name] == "stepwell.client"
        assert is_client or len(loaded[name]) < 20
