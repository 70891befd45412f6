"""Songs that are sung with the weights of the moment and scored by the ordinary metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from songbench.domain.audio import Audio, read_audio
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.reading import read_text
from songbench.resources.files import write_atomically
from systems.songbloom.training.settings import SongSettings


@dataclass(frozen=True, kw_only=True)
class SungSongs:
    """What singing came to.

    Attributes:
        figures: mean of each score over the songs as on a leaderboard, by column.
        songs: the audio by prompt; those that the model ended before they began are missing.
        remark: why there are no figures; "" where there are.
    """

    figures: dict[str, float]
    songs: dict[str, Audio]
    remark: str = ""


class Singer:
    """Sings the first prompts of a suite by a run of songbench, whose results stay in the folder.

    Args:
        settings: which suite, how many prompts, which metrics.
        folder: for songs and scores.
        device: that the songs are decoded on.

    Raises:
        InputError: there is no such suite.
    """

    def __init__(self, settings: SongSettings, folder: Path, device: str) -> None:
        self.settings, self.folder, self.device = settings, folder, device
        self.suite = folder / "suite.jsonl"
        rows = list(_first_rows(settings.suite, settings.prompts))
        write_atomically(self.suite, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())

    def __call__(self, checkpoint: Path, step: int) -> SungSongs:
        """Sing and score; a training does not end because a song could not be made.

        Args:
            checkpoint: its folder.
            step: which names the run.
        """
        from songbench import api

        try:
            run = api.run(
                suite=self.suite,
                systems=[f"songbloom:step_{step}={checkpoint}"],
                metrics=self.settings.metrics,
                name=f"step_{step:08d}",
                store=self.folder / "store",
                runs=self.folder / "runs",
                overrides=["engine=inline", f"system.songbloom.device={self.device}", *self.settings.overrides],
                replace=True,
            )
        except SongbenchError as error:
            return SungSongs(figures={}, songs={}, remark=str(error))
        scores = run.scores
        counted = scores[(scores["kind"] == "song") & scores["value"].notna()]
        figures = {
            str(name): float((rows["value"] * rows["weight"]).sum() / rows["weight"].sum())
            for name, rows in counted.groupby("column")
        }
        rows = run.songs[run.songs["audio"] != ""]
        songs = {str(row.prompt): read_audio(Path(str(row.audio))) for row in rows.itertuples()}
        remark = ""
        if not songs:
            remark = f"none could be made ({run.songs['reason'].iloc[0]})"
        elif not figures:
            remark = f"no metric could score them ({scores['reason'].iloc[0]})"
        return SungSongs(figures=figures, songs=songs, remark=remark)


def _first_rows(suite: str, prompts: int) -> Iterator[dict[str, Any]]:
    """The head and the first prompts of a suite, with paths that hold elsewhere, too."""
    path = _suite_file(suite)
    for line in read_text(path, "suite").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        if "suite" not in row:
            if not prompts:
                return
            prompts -= 1
        for name in ("prompt_wav", "reference", "vocal"):
            match row.get(name):
                case str() as file:
                    row[name] = str((path.parent / file).resolve())
                case {"cut": str() as file} if file != "reference":
                    row[name]["cut"] = str((path.parent / file).resolve())
        yield row


def _suite_file(name: str) -> Path:
    """Of a registered suite, or the file itself.

    Raises:
        InputError: there is neither.
    """
    registered = {entry.name: entry for entry in entry_points(group="songbench.suites")}
    path = Path(registered[name].load()) if name in registered else Path(name)
    if not path.is_file():
        raise InputError(
            f"There is no suite '{name}'.", field="songs.suite", value=name, allowed=tuple(sorted(registered))
        )
    return path
