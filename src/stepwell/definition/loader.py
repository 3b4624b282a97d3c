"""Imports a user's file or module and finds its flow."""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from stepwell.definition.flow_source import FlowSource
from stepwell.definition.flowspec import FlowSpec, inert_flows
from stepwell.definition.import_place import module_of, root_of
from stepwell.definition.mistakes import locate
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.step import steps_of
from stepwell.exceptions import FlowError, FlowLoadError, StepwellException, UsageError


def load_flow(target: str) -> type[FlowSpec]:
    """Return the flow class that ``file.py``, ``file.py:Flow``, ``pkg.mod`` or ``pkg.mod:Flow`` names.

    The file is imported as a module, of its package if it lies in one; so what stands under
    ``if __name__ == "__main__"`` does not run.

    Raises
    ------
    FlowLoadError
        The file is missing or cannot be imported, or holds no such flow.
    UsageError
        It holds several flows, and none is named.
    """
    place, colon, name = target.rpartition(":")
    # A colon in second place is a drive of Windows, not a flow.
    if not colon or len(place) < 2 or not name.isidentifier():
        place, name = target, ""
    if place.endswith(".py") or os.sep in place:
        module = _import_file(place)
    elif not all(place.split(".")):
        advice = "Name a file, such as `flow.py`, or a module, such as `package.flow`."
        raise FlowLoadError(f"`{place}` is no file and no module. {advice}")
    else:
        _look_in_working_directory()
        module = _import_module(place, place)
    flows = _flows_in(module)
    if name:
        return _named(module, place, name, flows)
    if not flows:
        raise FlowLoadError(f"{place} defines no flow: no subclass of FlowSpec that has steps.")
    if len(flows) > 1:
        names = list(flows)
        raise UsageError(
            f"{place} defines several flows: {listed(names)}. Say which, for example `{place}:{names[0]}`."
        )
    return next(iter(flows.values()))


def load_again(source: FlowSource) -> type[FlowSpec]:
    """Return the flow that another interpreter of this machine has imported, imported in the same way.

    Raises
    ------
    FlowLoadError
        It cannot be imported here, or is not there any more.
    """
    if source.module:
        sys.path[:] = source.path
        module = _import_module(source.module, source.module)
    else:
        module = _import_alone(source.file)
    return _named(module, source.file, source.name, _flows_in(module))


def _named(module: ModuleType, place: str, name: str, flows: dict[str, type[FlowSpec]]) -> type[FlowSpec]:
    found: object = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, FlowSpec) and found is not FlowSpec:
        return found
    advice = (
        f"{did_you_mean(name, flows)} The flows are: {listed(flows)}." if flows else "It defines no flow."
    )
    raise FlowLoadError(f"{place} has no flow `{name}`. {advice.strip()}")


def _flows_in(module: ModuleType) -> dict[str, type[FlowSpec]]:
    """Return the flows that the module itself defines; base classes without steps are none."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, FlowSpec)
        and value.__module__ == module.__name__
        and value.__name__ == name
        and steps_of(value)
    }


def _import_file(path: str) -> ModuleType:
    if Path(path).is_dir():
        raise FlowLoadError(f"{path} is a folder. Name the flow's file in it.")
    if not Path(path).is_file():
        raise FlowLoadError(f"There is no file {path}.")
    name, root = module_of(path), root_of(path)
    if not name or _is_somebody_elses(name.partition(".")[0], root):
        return _import_alone(path)
    if sys.path[:1] != [root]:
        sys.path.insert(0, root)
    # As for a script, what lies beside it can be imported by its bare name, unless another module has it.
    folder = str(Path(path).absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    return _import_module(name, path)


def _is_somebody_elses(package: str, root: str) -> bool:
    """Whether a package of this name is imported already, from another place."""
    other = sys.modules.get(package)
    return other is not None and str(Path(root, package)) not in getattr(other, "__path__", ())


def _import_alone(path: str) -> ModuleType:
    """Import a file as a module of its own, as Python does with a script."""
    from importlib.util import module_from_spec, spec_from_file_location  # start-up cost of this command only

    script = Path(path).absolute()
    folder, full = str(script.parent), str(script)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    linecache.checkcache(full)
    if not script.is_file():
        raise FlowLoadError(f"There is no file {path}.")
    name = _module_name(script.stem, full)
    spec = spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise FlowLoadError(f"{path} is no Python file.")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        with inert_flows():
            spec.loader.exec_module(module)
    except BaseException as error:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        if isinstance(error, StepwellException):
            locate(error)
        elif isinstance(error, Exception | SystemExit):
            raise _load_error(path, full, error) from None
        raise
    return module


def _module_name(stem: str, file: str) -> str:
    """Return the stem as a name, unless another module that others may need has that name."""
    stem = stem.replace(".", "_")  # a module `a.b` would look for what it imports in a package `a`
    other = sys.modules.get(stem)
    taken = stem in sys.stdlib_module_names or (other is not None and not _is_flow_file(other, file))
    return f"{stem}_flow" if taken else stem


def _is_flow_file(module: ModuleType, file: str) -> bool:
    if getattr(module, "__file__", None) == file:
        return True
    # A flow that was loaded before may make way; nobody imports it by name.
    return bool(_flows_in(module))


def _look_in_working_directory() -> None:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))


def _import_module(name: str, shown: str) -> ModuleType:
    try:
        with inert_flows():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f" Did you mean `{name}.py`?" if Path(f"{name}.py").is_file() else ""
            raise FlowLoadError(f"There is no file and no module {name}.{hint}") from None
        raise _load_error(shown, "", error) from None
    except StepwellException as error:
        locate(error)
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - importing runs the user's code, which may raise anything
        raise _load_error(shown, "", error) from None


def _load_error(shown: str, file: str, error: BaseException) -> FlowError:
    from stepwell.definition.phase_mistakes import phase_mistake  # only a mistake pays for it

    mistake = phase_mistake(error)
    if mistake is not None:
        return mistake
    if isinstance(error, SyntaxError) and error.filename:
        text = (error.text or "").rstrip("\n").strip()
        return FlowLoadError(f"{error.filename}:{error.lineno}: {error.msg}\n    {text}")
    if isinstance(error, SyntaxError):  # of the file as a whole, such as null bytes in it
        return FlowLoadError(f"{file or shown} is no Python source: {error.msg}.")
    frames = traceback.TracebackException.from_exception(error)
    for position, frame in enumerate(frames.stack):
        if (frame.filename == file) if file else not _is_machinery(frame.filename):
            frames.stack = traceback.StackSummary.from_list(list(frames.stack)[position:])
            break
    else:  # none of the user's code was reached
        frames.stack = traceback.StackSummary()
    text = "".join(frames.format()).rstrip()
    if isinstance(error, SystemExit):
        text += "\nThe file ends the program while it is imported. Do that under `if __name__ == '__main__'`."
    if file and isinstance(error, ImportError) and "relative import" in str(error):
        text += (
            "\nThe file lies in no package. Put an `__init__.py` beside it, or name it as `package.module`."
        )
    return FlowLoadError(f"Importing {shown} failed:\n{text}")


def _is_machinery(filename: str) -> bool:
    return filename == __file__ or "importlib" in filename
