"""What a reader of an export must know: whose the songs are, under which licences, how they were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from songbench.domain.language import MIXED, SEVERAL, UNDETERMINED
from songbench.domain.mixing import HIGHEST_PEAK_DBFS, LOUDNESS_LUFS, MIX_RULE
from songbench.exporting.material import RunExport
from songbench.reporting.document.blocks import (
    Block,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Table,
    TableColumn,
    TableRow,
    Text,
)
from songbench.reporting.document.markdown import to_markdown

NOT_SAID = "not said"
_HUB_LICENCES = frozenset(
    ("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "apache-2.0", "mit", "bsd-3-clause")
)
"""Licences by the names that the hub of Hugging Face has for them."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def licence_blocks(export: RunExport) -> list[Block]:
    """The licences of prompts and systems; what follows for the songs, nobody here can say."""
    prompts = _prompt_licences(export)
    counted = (f"{licence} ({count})" if len(prompts) > 1 else licence for licence, count in prompts.items())
    suite = export.results.suite.name
    audio = "vocals, true accompaniments, " if export.results.suite.track == "v2a" else ""
    lines: list[Phrase | Listing] = [f"{audio}lyrics and prompts of the suite {suite}: {', '.join(counted)}"]
    for card in export.results.systems:
        parts = [card.licence]
        parts += [f"code {card.code_licence}"] if card.code_licence else []
        parts += [f"weights {card.weights_licence}"] if card.weights_licence else []
        origin = f" ({card.upstream})" if card.upstream else ""
        lines.append(f"songs of {card.name}{origin}: the system's licence is {'; '.join(parts)}")
    return [
        Heading("Licences"),
        Listing(tuple(lines)),
        Text(
            "These are the licences that authors of prompts and systems state. What they mean for the songs, and"
            " whether these may be shared or sold, the authors say; look there before you pass songs on."
        ),
    ]


def _prompt_licences(export: RunExport) -> Counter[str]:
    suite = export.results.suite
    return Counter(prompt.licence or suite.licence or NOT_SAID for prompt in suite.prompts)


def _accompaniments() -> Listing:
    """What lies where, and why a mix is no song of the system."""
    return Listing(
        (
            "SYSTEM/PROMPT.take0: the accompaniment alone, as the system gave it",
            "SYSTEM/with-vocal/PROMPT.take0: that with its vocal, for listening. Both are brought to"
            f" {LOUDNESS_LUFS:g} LUFS, added, and turned down together where they peak above {HIGHEST_PEAK_DBFS:g} dBFS"
            f" ({MIX_RULE}), so the balance is the rule's, not the system's",
            "vocals/PROMPT: the vocal that was given",
            "true-accompaniments/PROMPT: the true accompaniment, where there is one, which no system was given",
        )
    )


def songs_readme(export: RunExport, encoding: str, example: str) -> bytes:
    """The ``README.md`` beside exported songs.

    Args:
        export: what was exported.
        encoding: of the audio, in words.
        example: the folder of one system.
    """
    suite = export.experiment.suite
    blocks: list[Block] = [
        Heading(f"Songs of the run {export.name}", level=1),
        Text(
            f"Made with songbench from the suite {suite.name} {suite.version}. A folder for each system; of each song"
            " the audio, the lyrics of its prompt (.txt) and how it came about (.json)."
        ),
        *([_accompaniments()] if suite.track == "v2a" else []),
        Text(f"Audio: {encoding}."),
        Text(
            (
                Fragment("To score the songs of a folder on the same suite as those of a system called NAME: "),
                Fragment(f"songbench run --systems imported:NAME={example}", "code"),
            )
        ),
        *licence_blocks(export),
    ]
    return to_markdown(blocks).encode()


# -- the card of a data set ----------------------------------------------------------------------------------------


def dataset_card(export: RunExport, configurations: Mapping[str, str], songs: int, size: int) -> bytes:
    """The ``README.md`` of a data set: front matter for programs, a description for people.

    Args:
        export: what was exported.
        configurations: of each its pattern of files, the default first.
        songs: how many there are.
        size: of all files, in bytes.
    """
    import yaml

    text = yaml.safe_dump(_front_matter(export, configurations, songs), sort_keys=False, allow_unicode=True)
    return f"---\n{text}---\n\n{to_markdown(_description(export, configurations, songs, size))}".encode()


def _front_matter(export: RunExport, configurations: Mapping[str, str], songs: int) -> dict[str, Any]:
    languages = {code for prompt in export.prompts.values() for code in _codes(prompt.language)}
    codes = sorted(languages)
    return {
        "pretty_name": f"Songs of {export.name} (songbench)",
        **_licence(export),
        **({"language": codes} if codes else {}),
        "task_categories": ["text-to-audio"],
        "tags": ["music", "song-generation", "benchmark", "songbench"],
        "size_categories": [next((name for limit, name in _SIZES if songs < limit), "n>1M")],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if number == 0 else {}),
                "data_files": [{"split": "test", "path": pattern}],
            }
            for number, (name, pattern) in enumerate(configurations.items())
        ],
    }


def _codes(language: str) -> tuple[str, ...]:
    """The codes of ISO 639 that the hub takes, of one language or of several in one text."""
    if language == MIXED:
        return ("en", "zh")
    code = language.partition("-")[0]
    return () if code in (UNDETERMINED, SEVERAL) else (code,)


def _licence(export: RunExport) -> dict[str, str]:
    """One licence where prompts and systems have the same; else the hub's word for all others, and where to look."""
    licences = {name.casefold() for name in _prompt_licences(export)}
    licences |= {card.licence.casefold() for card in export.results.systems}
    (licence, *further) = licences
    if not further and licence in _HUB_LICENCES:
        return {"license": licence}
    return {"license": "other", "license_name": "several", "license_link": "README.md#licences"}


def _description(export: RunExport, configurations: Mapping[str, str], songs: int, size: int) -> list[Block]:
    from songbench import __version__

    suite, results = export.results.suite, export.results
    minutes = sum(sound.seconds or 0 for sound in results.sounds.values()) / 60
    commit = export.record.get("code", {}).get("commit")
    return [
        Heading(f"Songs of {export.name}", level=1),
        Text(
            f"{songs} songs ({minutes:.1f} minutes, {size / 1e6:.1f} MB) that {len(results.systems)} systems made of"
            f" the {len(suite.prompts)} prompts of the suite {suite.name} {suite.version} (takes per prompt:"
            f" {results.takes}), with the scores of every metric."
            " A test set: it was made to compare systems, not to train on."
        ),
        *([Text(suite.description)] if suite.description else []),
        Heading("What is in it"),
        Listing(tuple((Fragment(name, "code"), Fragment(f": {_PARTS[name]}")) for name in configurations)),
        Text(
            (
                Fragment("To load it: "),
                Fragment(f"datasets.load_dataset(FOLDER, {next(iter(configurations))!r}, split='test')", "code"),
            )
        ),
        Heading("Systems"),
        _systems(export),
        Heading("Scores"),
        _scores(export),
        Heading("How it was made"),
        Listing(
            (
                f"songbench {__version__}" + (f", commit {commit}" if commit else ""),
                f"seed {export.experiment.seed}; the seed of each song is in its row",
                *([f"made on {results.machine}"] if results.machine else []),
                "the audio is what each system gave, encoded as 24-bit FLAC, or 32-bit WAV beyond full scale",
                "songs that failed or that a system cannot make are in scores, with the reason, and not in songs",
            )
        ),
        Heading("Limits"),
        Listing(tuple(_limits(export))),
        *licence_blocks(export),
    ]


_PARTS = {
    "songs": "a row per song: system, prompt, take, audio, lyrics, style, facts of the prompt, how it came about"
    " (JSON), and a column for each number that a metric gives of a song, by the column's name in leaderboards",
    "scores": "a row per song and field of every metric, and per system where the number is of all its songs; status"
    " and reason say why there is no number",
    "transcripts": "what recognisers wrote down of each song, beside the lyrics",
}


def _systems(export: RunExport) -> Table:
    rows = []
    for card in export.results.systems:
        count = sum(song.system == card.name for song in export.results.sounds)
        rows.append(TableRow((card.name, card.version, str(count), card.summary), faint=card.sanity))
    heads = ("system", "version", "songs", "what it is")
    return Table(columns=tuple(TableColumn(name=name) for name in heads), rows=tuple(rows))


def _scores(export: RunExport) -> Table:
    rows = []
    for column in export.board.columns:
        field = column.field
        better = {"higher": "higher is better", "lower": "lower is better"}.get(field.direction, "neither is better")
        rows.append(TableRow((column.name, field.unit, better, field.description or column.metric.summary)))
    heads = ("column", "unit", "direction", "what it is")
    return Table(columns=tuple(TableColumn(name=name) for name in heads), rows=tuple(rows))


def _limits(export: RunExport) -> Sequence[str]:
    metrics = {column.metric.id: column.metric for column in export.board.columns}
    of_metrics = [f"{identifier}: {card.limits}" for identifier, card in metrics.items() if card.limits]
    remarks = Counter(remark.text for sound in export.results.sounds.values() for remark in sound.remarks)
    odd = [f"{count} songs: {text}" for text, count in remarks.most_common(10)]
    alone = "audio is the accompaniment alone; vocals, mixes and true accompaniments are not in this data set"
    parts = [alone] if export.results.suite.track == "v2a" else []
    return [*export.results.suite.notes, *parts, *of_metrics, *odd] or ["none that songbench knows of"]
