"""Names that say nothing: pronouns, and participles that stand for the thing they were done to.

``python tests/structure/weak_names.py FOLDER…`` prints each with its place and ends with exit code 1 if there is any;
``make lint`` runs it. In a comprehension of one or two lines such a name is as good as any other.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PRONOUNS = """
    all another both each every here it mine nobody none nothing one ones other others ours own same some such that
    theirs them there these this those what who whole whom whose
"""
PARTICIPLES = """
    asked begun brought called chosen come done drawn fetched found gathered given gone got had heard held kept known
    looked made meant named needed noted placed put said seen shown stated stored taken thought told took tried
    understood used wanted written
"""
WORDS = frozenset((PRONOUNS + PARTICIPLES).split())
SHORT = 2
"""Lines of a comprehension in which every name is seen at a glance."""


def faults(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every binding of one of the words in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exempt = {
        id(node)
        for comprehension in ast.walk(tree)
        if isinstance(comprehension, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        and comprehension.end_lineno - comprehension.lineno < SHORT
        for generator in comprehension.generators
        for node in ast.walk(generator.target)
    }
    for node in ast.walk(tree):
        if id(node) not in exempt and (name := _bound(node)) and name.lstrip("_") in WORDS:
            yield node.lineno, name


def _bound(node: ast.AST) -> str | None:
    """The name that a node binds, if it binds one."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.alias(asname=str(name)):
            return name
    return None


def main(folders: list[str]) -> int:
    """Print what is wrong in all Python files of the folders; returns the exit code."""
    places = [place for folder in folders for place in sorted(Path(folder).rglob("*.py"))]
    rows = [f"{place}:{line}: {name}" for place in places for line, name in faults(place)]
    print("\n".join([*rows, f"{len(rows)} names that are pronouns or participles"]))
    return int(bool(rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
