"""What is exported of a run: its results, songs, tables and leaderboard, each read or built once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.prompt import Prompt
from songbench.domain.song import Song
from songbench.execution.experiment import Experiment
from songbench.execution.gather import gather
from songbench.execution.recorded import stored_assets, stored_songs
from songbench.execution.results import RunResults, SongId
from songbench.execution.songs import StoredAudio
from songbench.execution.store import Store
from songbench.reporting.facets import of_prompts
from songbench.reporting.scores import scores_frame, songs_frame, transcripts_frame
from songbench.reporting.selection import select_systems
from songbench.reporting.songs import SongRow, song_rows, song_to_csv_row

if TYPE_CHECKING:
    import pandas as pd

    from songbench.reporting.board import Leaderboard


class RunExport:
    """A run, or a part of it, to be exported.

    Args:
        experiment: the run.
        store: its store.
        record: its run record.
        systems: only these; None: all.
        prompts: only these, by their ids; None: all. Figures of sets are then left out, as they are of all prompts.

    Attributes:
        experiment: the run.
        record: its run record.
        results: what it stored, of these systems and prompts.

    Raises:
        InputError: the run has no such system or prompt, naming the nearest.
    """

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        record: Mapping[str, Any],
        *,
        systems: Sequence[str] | None = None,
        prompts: Sequence[str] | None = None,
    ) -> None:
        self.experiment, self.record, self._store = experiment, record, store
        self.results: RunResults = gather(experiment, store)
        self._has_all_prompts = prompts is None
        if systems is not None:
            self.results = select_systems(self.results, systems)
        if prompts is not None:
            for prompt in prompts:
                if prompt not in self.prompts:
                    raise InputError(
                        f"The run has no prompt '{prompt}'.", field="prompts", value=prompt, allowed=self.prompts
                    )
            self.results = of_prompts(self.results, set(prompts))

    @property
    def name(self) -> str:
        """The run's."""
        return self.experiment.name

    @property
    def prompts(self) -> dict[str, Prompt]:
        """The prompts by their ids."""
        return {prompt.id: prompt for prompt in self.results.suite.prompts}

    @cached_property
    def rows(self) -> dict[SongId, SongRow]:
        """What became of every song, in the order of systems, prompts and takes."""
        return {row.song: row for row in song_rows(self.results)}

    @cached_property
    def songs(self) -> dict[SongId, Song]:
        """Every song that was made, in the same order; its audio is not loaded yet."""
        songs = {name: song for name, (song, _) in stored_songs(self.experiment, self._store).items()}
        return {name: song for name in self.rows if (song := songs.get(name)) is not None}

    @cached_property
    def assets(self) -> dict[str, dict[str, AudioSource]]:
        """The audio of these prompts, as `songbench.execution.recorded.stored_assets` has it."""
        sources = stored_assets(self.experiment, self._store)
        return {prompt: sources[prompt] for prompt in self.prompts}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """`songbench.reporting.scores.scores_frame`."""
        return scores_frame(self.results)

    @cached_property
    def song_table(self) -> pd.DataFrame:
        """`songbench.reporting.scores.songs_frame` with the generation record as columns of text and numbers."""
        import pandas as pd

        frame = songs_frame(self.results, {}).drop(columns=["record", "audio", "remarks"])
        flat = pd.DataFrame([song_to_csv_row(row) for row in self.rows.values()])
        further = [name for name in flat.columns if name not in frame.columns]
        typed = ["seed_honoured", "loading_included", "fake_stereo", "best_of"]  # "" where there is no song
        flat[typed] = flat[typed].map(lambda value: None if value == "" else value).convert_dtypes()
        return pd.concat([frame, flat[further].reset_index(drop=True)], axis=1)

    @cached_property
    def transcripts(self) -> pd.DataFrame:
        """`songbench.reporting.scores.transcripts_frame`."""
        return transcripts_frame(self.results)

    @cached_property
    def board(self) -> Leaderboard:
        """The leaderboard of these systems and prompts, with the run's listening tests.

        Of some prompts there are no columns of listening tests, whose figures are of all their songs.
        """
        from songbench.reporting.leaderboard import build_leaderboard
        from songbench.reporting.listening_results import load_listening_results

        return build_leaderboard(
            self.results,
            listening_results=load_listening_results(self.experiment.folder) if self._has_all_prompts else (),
            **self.experiment.statistics,
        )

    def stored_size(self, song: SongId) -> int:
        """The bytes that a song takes up in the store; 0 where nobody knows."""
        source = self.songs[song].source
        return (self._store.size(source.blob.place) or 0) if isinstance(source, StoredAudio) else 0
