"""The texts that raters read: one file per language, equal keys."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from songbench.domain.errors import InputError

LANGUAGES = tuple(
    sorted(file.name.removesuffix(".yaml") for file in (files("listening_test.front_end") / "wording").iterdir())
)
"""In which there are texts."""


@cache
def _texts(language: str) -> dict[str, str]:
    import yaml

    if language not in LANGUAGES:
        raise InputError("There are no texts in this language.", field="languages", allowed=LANGUAGES, value=language)
    path = files("listening_test.front_end") / "wording" / f"{language}.yaml"
    return {str(key): str(text).strip() for key, text in yaml.safe_load(path.read_text(encoding="utf-8")).items()}


def load_wording(language: str) -> dict[str, str]:
    """Every text of the rater's pages in one language.

    Words in braces, such as ``{name}``, are filled in by the browser. A key that ends in ``_one`` is the singular of
    the key without it. ``refused_CODE`` and ``problem_CODE`` belong to the codes of `answers.Refusal` and of the
    server.

    Raises:
        InputError: for a language there are no texts in.
    """
    return dict(_texts(language))
