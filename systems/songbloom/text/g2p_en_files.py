"""Files of the package g2p-en, read without importing it.

``import g2p_en`` looks for NLTK's data and, where it does not find them, downloads them. Nothing here may reach for
the network, so the package is only located; its one module of use, which expands numbers, stands by itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from songbench.domain.errors import UnavailableError
from songbench.domain.inflection import inflector


@cache
def g2p_en_folder() -> Path:
    """Where the package lies.

    Raises:
        UnavailableError: it is not installed.
    """
    spec = importlib.util.find_spec("g2p_en")
    if spec is None or not spec.origin:
        raise UnavailableError("English lyrics cannot be read: g2p-en is not here. Cure: pip install --no-deps g2p-en")
    return Path(spec.origin).parent


def homograph_rows() -> Mapping[str, tuple[str, str, str]]:
    """Lower-case words to: reading for a part of speech, reading otherwise, that part of speech (Penn tag prefix)."""
    rows = (g2p_en_folder() / "homographs.en").read_text(encoding="utf-8").splitlines()
    split = (row.strip().split("|") for row in rows if not row.startswith("#"))
    return {word.lower(): (first, second, tag) for word, first, second, tag in split}


@cache
def number_expander() -> Callable[[str], str]:
    """A function that writes the numbers of a text in English words."""
    place = g2p_en_folder() / "expand.py"
    spec = importlib.util.spec_from_file_location("_songbench_g2p_en_expand", place)
    if spec is None or spec.loader is None:
        raise UnavailableError(f"{place} cannot be loaded. Cure: pip install --force-reinstall --no-deps g2p-en==2.1.0")
    module = importlib.util.module_from_spec(spec)
    inflector()  # which the module imports, too, and more slowly
    spec.loader.exec_module(module)
    expand: Callable[[str], str] = module.normalize_numbers
    return expand
