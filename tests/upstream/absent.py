"""Copied into an environment: modules that are not there, of which anything can be asked.

With it a program that imports packages for GPUs, or models of many gigabytes, runs on from its first statement to its
last; what it does itself (its parser, its files, its lyrics) stays real.
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import types


class _Kind(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Kind(name, (Absent,), {})


class Absent(metaclass=_Kind):
    """Can be called, entered, indexed, added, iterated, inherited from; gives more of itself."""

    def __init__(self, *arguments, **options):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Kind(name, (Absent,), {})

    def __call__(self, *arguments, **options):
        if len(arguments) == 1 and isinstance(arguments[0], types.FunctionType):
            return arguments[0]  # a decorator
        return Absent()

    def __enter__(self):
        return self

    def __exit__(self, *cause):
        return None

    def __iter__(self):
        return iter(())

    def __getitem__(self, key):
        return Absent()

    def __setitem__(self, key, value):
        pass

    def __class_getitem__(cls, key):
        return cls

    def _operate(self, *operands):
        return Absent()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __neg__ = _operate
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _operate
    __hash__ = object.__hash__


class _Module(types.ModuleType):
    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__loader__.has_contents(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        return _Kind(name, (Absent,), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names, contents):
        self.names, self.contents = names, contents

    def has_contents(self, name):
        return any(entry == name or entry.startswith(name + ".") for entry in self.contents)

    def find_spec(self, name, path=None, target=None):
        if not any(name == absent or name.startswith(absent + ".") for absent in self.names):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        for name, value in self.contents.get(module.__name__, {}).items():
            setattr(module, name, value)


def replace(names, contents):
    """Let modules be absent ones.

    Args:
        names: of packages and modules; everything below them, too.
        contents: name of a module → what some of its names mean.
    """
    sys.meta_path.insert(0, _Finder(tuple(names), contents))


def note(kind, value):
    """Add a line to the file that SONGBENCH_TEST_NOTES names, if there is one: what a model was given."""
    if os.environ.get("SONGBENCH_TEST_NOTES"):
        with open(os.environ["SONGBENCH_TEST_NOTES"], "a", encoding="utf-8") as file:
            file.write(json.dumps([kind, value], ensure_ascii=False) + "\n")
