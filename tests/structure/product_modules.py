"""What the modules of the product are made of, read from their syntax: imports, public classes, dataclasses."""

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("songbench", "systems", "metrics", "listening_test")


@dataclass(frozen=True)
class Module:
    """A module of the product.

    Attributes:
        name: as it is imported.
        path: its file.
        tree: its syntax.
    """

    name: str
    path: Path
    tree: ast.Module

    @property
    def classes(self) -> list[ast.ClassDef]:
        """Its classes, without those inside of others."""
        return [node for node in self.tree.body if isinstance(node, ast.ClassDef)]


@functools.cache
def modules(*packages: str) -> list[Module]:
    """All modules of these packages, of the whole product if none is named."""
    return [
        Module(_name(path), path, ast.parse(path.read_text(encoding="utf-8")))
        for package in packages or PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(module: Module, names: set[str]) -> set[str]:
    """Which of the known modules a module imports: anywhere in it, under TYPE_CHECKING and in functions, too."""
    targets: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            targets |= {
                inner if (inner := f"{node.module}.{alias.name}") in names else node.module for alias in node.names
            }
    return (targets & names) - {module.name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or by way of others (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for target in graph[name]:
            if target not in number:
                visit(target)
                lowest[name] = min(lowest[name], lowest[target])
            elif target in stack:
                lowest[name] = min(lowest[name], number[target])
        if lowest[name] == number[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for name in graph:
        if name not in number:
            visit(name)
    return groups


def public_classes() -> dict[str, list[str]]:
    """The modules in which each public class name is defined.

    Scripts that isolated processes run are left out: each defines ``Worker``, and nothing imports them.
    """
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        if module.name.endswith("_worker"):
            continue
        for node in module.classes:
            if not node.name.startswith("_"):
                places[node.name].append(module.name)
    return places


def positional_classes() -> Iterator[str]:
    """Dataclasses with more than four fields that can be built by position."""
    for module in modules():
        for node in module.classes:
            options = _dataclass_options(node)
            fields = _positional_fields(node)
            if options is not None and len(fields) > 4 and "kw_only" not in options:
                yield f"{module.name}.{node.name} ({len(fields)} fields)"


def _positional_fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """The fields of a class, up to the mark ``_: KW_ONLY``."""
    fields: list[ast.AnnAssign] = []
    for part in node.body:
        if isinstance(part, ast.AnnAssign):
            if "KW_ONLY" in ast.unparse(part.annotation):
                break
            if not _excluded(part):
                fields.append(part)
    return fields


def _dataclass_options(node: ast.ClassDef) -> set[str] | None:
    """The options of a class's dataclass decorator, None if it has none."""
    for decorator in node.decorator_list:
        if ast.unparse(decorator).startswith("dataclass"):
            return {keyword.arg or "" for keyword in decorator.keywords} if isinstance(decorator, ast.Call) else set()
    return None


def _excluded(field: ast.AnnAssign) -> bool:
    """Whether an annotation is no field of the constructor."""
    text = ast.unparse(field)
    return "ClassVar" in text or "init=False" in text
