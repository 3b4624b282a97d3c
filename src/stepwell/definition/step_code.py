"""The code of a step: its method and all of the user's own code that this reaches, compared by syntax tree.

Names are followed through the source as Python would: to functions, classes and constants of the modules that
the user wrote, to methods of the flow and its bases, through imports. Nothing is executed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from copy import copy
from types import FunctionType
from weakref import WeakKeyDictionary

import blake3

from stepwell.definition.config import Config
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.import_place import root_of
from stepwell.definition.module_code import WHOLE, Definition, ModuleCode, code_in, code_of_module
from stepwell.definition.names_used import Import, Path
from stepwell.definition.parameters import Parameter
from stepwell.definition.step import spec_of
from stepwell.definition.syntax_digest import DIGITS
from stepwell.model.step_code import CLASS_CONSTANT, CodePart, StepCode

# Decorators that say how a step is carried out, and nothing of what comes of it.
_ONLY_HOW = frozenset(
    {
        "step",
        "resources",
        "retry",
        "timeout",
        "cache",
        "checkpoint",
        "parallel",
        "card",
        "batch",
        "kubernetes",
        "slurm",
        "ray",
    }
)


def step_code(flow_class: type[FlowSpec], step: str, inserted: tuple[type, ...] = ()) -> StepCode:
    """Return the code of a step; it is worked out once.

    Parameters
    ----------
    inserted
        Classes of decorators that the step has and its source does not show.
    """
    reader = _readers.get(flow_class)
    if reader is None:
        reader = _readers[flow_class] = _FlowReader(flow_class)
    return reader.step(step, inserted)


class _FlowReader:
    """Follows names from the steps of one flow."""

    def __init__(self, flow_class: type[FlowSpec]) -> None:
        self._owners = [(owner, _code_of_class(owner)) for owner in flow_class.__mro__]
        files = (code.file for _, code in self._owners if code is not None)
        self._near = tuple(dict.fromkeys(root_of(file) for file in files if not file.startswith("<")))
        self._modules: dict[str, ModuleCode | None] = {}
        self._parts: dict[tuple[str, str], CodePart] = {}
        self._steps: dict[tuple[str, tuple[type, ...]], StepCode] = {}
        self._reached: dict[Definition, list[Definition]] = {}

    def step(self, name: str, inserted: tuple[type, ...]) -> StepCode:
        known = self._steps.get((name, inserted))
        if known is None:
            known = self._steps[name, inserted] = self._read(name, inserted)
        return known

    def _read(self, name: str, inserted: tuple[type, ...]) -> StepCode:
        own = [_as_step(one) for one in self._members(name)[:1]]
        modules = [(kind, self._module(kind.__module__)) for kind in inserted]
        around = [module and module.definition(kind.__qualname__) for kind, module in modules]
        waiting = [*own, *filter(None, around)]
        found = dict.fromkeys(waiting)
        escapes = False
        mentions: set[str] = set()
        while waiting:
            one = waiting.pop()
            mentions |= one.uses.mentions
            # Who has the flow itself may call any of its methods by name.
            escapes = escapes or (one.uses.self_escapes and self._is_member(one))
            more = self._reached_by(one)
            if escapes:
                more = [*more, *(member for word in mentions for member in self._others(word)[:1])]
            for new in more:
                if new not in found:
                    found[new] = None
                    waiting.append(new)
        parts = sorted((self._part(one, one in own) for one in found), key=lambda part: part.name)
        hasher = blake3.blake3()
        for part in parts:
            hasher.update(f"{part.name} {part.digest}\n".encode(errors="surrogateescape"))
        digest = hasher.hexdigest()[:DIGITS]
        return StepCode(digest=digest, parts=tuple(parts), mentions=frozenset(mentions))

    def _part(self, one: Definition, is_step: bool) -> CodePart:
        key = (one.module.file, one.name)
        part = self._parts.get(key)
        if part is None:
            kind = "step" if is_step else one.kind
            if kind == "constant" and self._is_member(one):
                kind = CLASS_CONSTANT
            part = self._parts[key] = CodePart(
                name=f"{one.module.name}:{one.name}",
                kind=kind,
                digest=one.digest,
                file=one.module.shown,
                line=one.line,
                source=one.source,
            )
        return part

    # Members of the flow

    def _members(self, name: str) -> list[Definition]:
        """Return what the flow and its bases call by this name, the one that holds first."""
        found: list[Definition] = []
        for owner, code in self._owners:
            member = None if code is None else code.member(owner.__qualname__, name)
            if member is not None:
                found.append(member)
        return found

    def _others(self, name: str) -> list[Definition]:
        """Return the members of this name, if they are no steps, parameters, or what `FlowSpec` has."""
        for owner, _ in self._owners:
            if name in vars(owner):
                value = vars(owner)[name]
                if owner is FlowSpec or isinstance(value, Parameter | Config) or spec_of(value) is not None:
                    return []
                break
        return self._members(name)

    def _is_member(self, one: Definition) -> bool:
        owner = one.name.rpartition(".")[0]
        return one.of_class and any(
            code is one.module and known.__qualname__ == owner for known, code in self._owners
        )

    # Names

    def _reached_by(self, one: Definition) -> list[Definition]:
        known = self._reached.get(one)
        if known is None:
            known = list(self._follow(one))
            self._reached[one] = known
        return known

    def _follow(self, one: Definition) -> Iterator[Definition]:
        uses = one.uses
        for path in uses.paths:
            for target in uses.imports.get(path[0], ()):
                yield from self._imported(one.module, target, path[1:], set())
            yield from self._named(one.module, path, set())
        if self._is_member(one):
            for name in uses.own:
                yield from self._others(name)[:1]
            for name in uses.inherited:
                yield from self._members(name)

    def _named(self, module: ModuleCode, path: Path, seen: set[tuple[str, str]]) -> Iterator[Definition]:
        """Yield what a dotted name means at the top of a module."""
        name = path[0]
        if (module.file, name) in seen:
            return
        seen.add((module.file, name))
        definition = module.definition(name)
        if definition is not None:
            yield from self._of_definition(definition, path[1:])
        bindings = module.bindings
        for target in bindings.imports.get(name, ()):
            yield from self._imported(module, target, path[1:], seen)
        if definition is None and name not in bindings.imports:
            for star in bindings.stars:
                other = self._module(_absolute(module, star))
                if other is not None:
                    yield from self._named(other, path, seen)
            yield from self._live(module, name)

    def _of_definition(self, definition: Definition, rest: Path) -> Iterator[Definition]:
        is_flow = any(
            code is definition.module and owner.__qualname__ == definition.name
            for owner, code in self._owners
        )
        if not is_flow:
            yield definition
        elif rest:
            yield from self._others(rest[0])[:1]

    def _imported(
        self, module: ModuleCode, target: Import, rest: Path, seen: set[tuple[str, str]]
    ) -> Iterator[Definition]:
        """Yield what an imported name means, and what is taken from it."""
        place = _absolute(module, target)
        if not target.name:
            yield from self._in_module(place, rest, seen)
            return
        code = self._module(place)
        found = list(self._named(code, (target.name, *rest), seen)) if code is not None else []
        yield from found or self._in_module(f"{place}.{target.name}", rest, seen)

    def _in_module(self, name: str, rest: Path, seen: set[tuple[str, str]]) -> Iterator[Definition]:
        code = self._module(name)
        if not rest:
            whole = None if code is None else code.definition(WHOLE)
            if whole is not None:
                yield whole
            return
        found = list(self._named(code, rest, seen)) if code is not None else []
        yield from found or self._in_module(f"{name}.{rest[0]}", rest[1:], seen)

    def _module(self, name: str) -> ModuleCode | None:
        if name not in self._modules:
            self._modules[name] = code_of_module(name, self._near)
        return self._modules[name]

    def _live(self, module: ModuleCode, name: str) -> Iterator[Definition]:
        """Yield a function that another cell of the same notebook has defined."""
        shared = sys.modules.get(module.name) if module.is_cell else None
        value: object = None if shared is None else vars(shared).get(name)
        file = value.__code__.co_filename if isinstance(value, FunctionType) else ""
        code = code_in(file, shared) if file and file != module.file else None
        definition = None if code is None else code.definition(name)
        if definition is not None:
            yield definition


_readers: WeakKeyDictionary[type[FlowSpec], _FlowReader] = WeakKeyDictionary()


def _code_of_class(owner: type) -> ModuleCode | None:
    module = sys.modules.get(owner.__module__)
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        methods = (value for value in vars(owner).values() if isinstance(value, FunctionType))
        file = next((method.__code__.co_filename for method in methods), "")
    return code_in(file, module)


def _absolute(module: ModuleCode, target: Import) -> str:
    if not target.level:
        return target.module
    package = module.package
    for _ in range(target.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{target.module}" if target.module else package


def _as_step(one: Definition) -> Definition:
    """Return a step's method without the decorators that only say how it is carried out."""
    nodes: list[ast.AST] = []
    for node in one.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            bare = copy(node)
            bare.decorator_list = [each for each in node.decorator_list if not _only_how(one.module, each)]
            node = bare
        nodes.append(node)
    return Definition(one.module, one.name, nodes, of_class=True)


def _only_how(module: ModuleCode, decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    path = _dotted(called)
    if not path:
        return False
    for target in module.bindings.imports.get(path[0], ()):
        top, name = target.module.partition(".")[0], target.name if len(path) == 1 else path[-1]
        if top == "stepwell":
            return name in _ONLY_HOW
    return False


def _dotted(node: ast.expr) -> Sequence[str]:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()
