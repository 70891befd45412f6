"""The card of a suite: what it consists of, how alike its lyrics are, its licence, its limits.

``python -m songbench.reporting.suite_card core > docs/suite-core.md`` writes the page of the suite `core`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from songbench.domain.language import MIXED
from songbench.domain.lyric_similarity import SEQUENCE, longest_shared_line, most_alike
from songbench.domain.prompt import Asset, CutAsset, RenderAsset
from songbench.domain.suite import Suite
from songbench.domain.suite_statistics import SuiteStatistics, suite_statistics
from songbench.domain.tracks import in_words
from songbench.execution.experiment import find_suite
from songbench.reporting.document.blocks import Block, Fragment, Heading, Listing, Table, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.suites import SIMILARITY_BOUNDS

MOST_VALUES = 20
"""A tag of more values, such as the topic, says of each prompt what no other has: its values are only counted."""

_ALL = "all"


def suite_card(suite: Suite, similarity_bound: float | None = None) -> list[Block]:
    """Everything a reader of results on this suite should know about it.

    Args:
        suite: the suite.
        similarity_bound: what the similarity of any two of its lyrics is held below, 0-1; None: nothing holds it.
    """
    parts = _by_language(suite)
    blocks: list[Block] = [
        Text(suite.description),
        table(
            "",
            ("", ""),
            [
                ("version", suite.version),
                ("licence", suite.licence),
                ("content hash", (Fragment(suite.key(), "code"),)),
                *_origins(suite),
            ],
        ),
        Heading("What it consists of"),
        _figures(parts),
        *([Text("mixed: English and Mandarin together.")] if MIXED in parts else []),
    ]
    for name in parts[_ALL].tags:
        if len(parts[_ALL].tags[name]) > MOST_VALUES:
            continue
        blocks += [
            Heading(f"Prompts by {name}", level=3),
            _counts(name, {p: s.tags.get(name, {}) for p, s in parts.items()}),
        ]
    blocks += [
        Heading("Prompts by section plan", level=3),
        _counts("section plan", {part: statistics.plans for part, statistics in parts.items()}),
        Heading("How alike the lyrics are"),
        Listing((*similarity_lines(suite), *_bound(similarity_bound))),
    ]
    return [*blocks, Heading("Limits"), Listing(suite.notes)] if suite.notes else blocks


def statistics_lines(suite: Suite) -> list[tuple[str, str]]:
    """The same in short, as names and texts."""
    statistics = suite_statistics(suite.prompts)
    facts = {
        "track": in_words(suite.track),
        **(dict(_origins(suite)) if suite.track == "v2a" else {}),
        "languages": _listed(statistics.languages),
        **{name: _listed(values) for name, values in statistics.tags.items()},
        "section plans": _listed(statistics.plans),
        "seconds": _range(statistics.seconds),
        "sung lines": f"{statistics.lines}, {statistics.different_lines} different",
        "words": f"{statistics.words} (Mandarin: characters)",
        "similarity": "; ".join(similarity_lines(suite)),
    }
    return [(name, text) for name, text in facts.items() if text]


def similarity_lines(suite: Suite) -> list[str]:
    """How alike the two most similar lyrics are, and what the longest line is that two prompts share."""
    closest, line = most_alike(suite.prompts), longest_shared_line(suite.prompts)
    return [
        f"the two most alike, {closest.first} and {closest.second}, share {100 * closest.similarity:.1f} % of their"
        f" sequences of {SEQUENCE} words (Mandarin: characters)"
        if closest
        else f"no two prompts share {SEQUENCE} words in a row",
        f"the longest line in two prompts: '{line[0]}' ({line[1]}, {line[2]})" if line else "no line is in two prompts",
    ]


def _origins(suite: Suite) -> list[tuple[str, str]]:
    """What audio the suite has, and where it comes from."""
    titles = {"vocal": "vocals", "prompt_wav": "style prompts", "reference": "reference songs"}
    if suite.track == "v2a":
        titles["reference"] = "true accompaniments"
    origins = {name: _assets(prompt.assets.get(name) for prompt in suite.prompts) for name in titles}
    return [(title, origins[name]) for name, title in titles.items() if origins[name] or name != "vocal"]


def _assets(assets: Iterable[Asset | None]) -> str:
    """Where the audio of a suite comes from, with how many prompts have it from there."""
    origins = Counter(_origin(asset) for asset in assets if asset)
    return ", ".join(f"{number} {origin}" for origin, number in origins.most_common())


def _origin(asset: Asset) -> str:
    if isinstance(asset, RenderAsset):
        return f"rendered by {asset.system}" + (f" ({asset.stem})" if asset.stem else "")
    if isinstance(asset, CutAsset):
        return f"cut from {'the reference song' if asset.recording is None else _origin(asset.recording)}"
    return "files"


def _bound(similarity: float | None) -> list[str]:
    return [] if similarity is None else [f"a test holds every two below {100 * similarity:.0f} %"]


# -- tables --------------------------------------------------------------------------------------------------------


def _by_language(suite: Suite) -> dict[str, SuiteStatistics]:
    """Statistics of each language, and of all prompts where there are several."""
    languages = dict.fromkeys(prompt.language for prompt in suite.prompts)
    parts = {
        language: suite_statistics([prompt for prompt in suite.prompts if prompt.language == language])
        for language in languages
    }
    return parts | {_ALL: suite_statistics(suite.prompts)}


def _figures(parts: Mapping[str, SuiteStatistics]) -> Table:
    rows = {
        "prompts": [str(part.prompts) for part in parts.values()],
        "seconds": [_range(part.seconds) for part in parts.values()],
        "section plans": [str(len(part.plans)) for part in parts.values()],
        "sung lines": [str(part.lines) for part in parts.values()],
        "of them different": [str(part.different_lines) for part in parts.values()],
        "words (Mandarin: characters)": [str(part.words) for part in parts.values()],
        "words per prompt": [f"{part.words / part.prompts:.0f}" for part in parts.values()],
    }
    return table("", ("", *parts), [(name, *cells) for name, cells in rows.items()])


def _counts(name: str, parts: Mapping[str, Mapping[str, int]]) -> Table:
    """How many prompts have each value, by language."""
    return table(
        "",
        (name, *parts),
        [(value, *(str(part.get(value, 0)) for part in parts.values())) for value in _values(parts[_ALL])],
    )


def _values(counts: Mapping[str, int]) -> list[str]:
    """The commonest first."""
    return sorted(counts, key=lambda value: -counts[value])


def _listed(counts: Mapping[str, int]) -> str:
    if len(counts) > MOST_VALUES:
        return f"{len(counts)} different"
    return ", ".join(f"{value} {counts[value]}" for value in _values(counts))


def _range(seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    return f"{seconds[0]:g} to {seconds[-1]:g}, mean {sum(seconds) / len(seconds):.0f}"


# -- the page ------------------------------------------------------------------------------------------------------


def page(name: str) -> str:
    """The page of a suite, as Markdown."""
    return to_markdown(
        [
            Heading(f"The suite {name}", level=1),
            Text(
                coded(
                    f"Written by `python -m songbench.reporting.suite_card {name}`; `songbench suites {name}` shows it"
                    " with all lyrics."
                )
            ),
            *suite_card(find_suite(name), SIMILARITY_BOUNDS.get(name)),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
