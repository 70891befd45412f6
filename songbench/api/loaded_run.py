"""A run and everything it stored, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    import pandas as pd

    from songbench.api.notebook import ComparisonView, LeaderboardView
    from songbench.api.plots import Plots
    from songbench.domain.audio import Audio, AudioSource
    from songbench.domain.song import Song
    from songbench.execution.experiment import Experiment
    from songbench.execution.results import RunResults, SongId
    from songbench.execution.store import Store
    from songbench.reporting.comparison import RunSide
    from songbench.reporting.listening_results import ListeningResult


Part: TypeAlias = Literal["song", "vocal", "mix", "reference"]
PARTS: tuple[str, ...] = get_args(Part)
"""What `Run.audio` gives."""


class Run:
    """What a run asked for and what came of it, as it was stored when this was first looked at.

    `songbench.load_run` and `songbench.run` give it. In a notebook it shows its leaderboard.

    Args:
        experiment: what the run asks for.
        store: where its results are.
    """

    def __init__(self, experiment: Experiment, store: Store) -> None:
        self._experiment, self._store = experiment, store

    @property
    def name(self) -> str:
        """The run's."""
        return self._experiment.name

    @property
    def folder(self) -> Path:
        """Where its report and its record lie."""
        return self._experiment.folder

    @cached_property
    def record(self) -> dict[str, Any]:
        """The run record: configuration, versions, hardware, hashes of everything the results rest on.

        Raises:
            InputError: it is gone, cut or altered.
        """
        from songbench.execution.record import RECORD, read_record

        return read_record(self.folder / RECORD)

    @cached_property
    def results(self) -> RunResults:
        """The state of every song and the verdicts of every metric, as the leaderboard is built from them."""
        from songbench.execution.gather import gather

        return gather(self._experiment, self._store)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score, a row for each song and field; `songbench.reporting.scores.scores_frame` has the columns.

        A song without a number has its row too: ``status`` says whether it is not applicable, failed, pending or
        unsupported, and ``reason`` why.
        """
        from songbench.reporting.scores import scores_frame

        return scores_frame(self.results)

    @cached_property
    def songs(self) -> pd.DataFrame:
        """Every song that was asked for, a row each, with its generation record and ``audio``.

        ``audio`` is the path of the sound file (in a remote store its address), "" for a song that was not made. Of
        the track ``v2a`` it is the accompaniment alone, and there are ``vocal`` and ``reference``, the paths of the
        vocal and of the true accompaniment, "" where there is none. No mix is stored: `audio` makes it.
        """
        from songbench.reporting.scores import songs_frame

        addresses = {
            name: self._address(song.source) for name, (song, _) in self._stored_songs.items() if song is not None
        }
        frame = songs_frame(self.results, addresses)
        if self.results.suite.track == "v2a":
            for place, name in enumerate(("vocal", "reference"), list(frame.columns).index("audio") + 1):
                assets = {prompt: self._address(sources.get(name)) for prompt, sources in self._assets.items()}
                frame.insert(place, name, frame["prompt"].map(assets))
        return frame

    def audio(self, system: str, prompt: str, take: int = 0, *, part: Part = "song") -> Audio:
        """The sound of a song, or what belongs to it, loaded now.

        Args:
            system: its name.
            prompt: the id of its prompt.
            take: its number.
            part: ``song``: what the system gave, of the track ``v2a`` the accompaniment; ``vocal``: what was to be
                accompanied; ``mix``: both, mixed by the rule of `songbench.domain.mixing`; ``reference``: the reference
                song or true accompaniment.

        Returns:
            Its ``samples``, float32, shape (channels, n), and their ``rate`` in Hz.

        Raises:
            InputError: there is no such song or part, or it was not made.
            DamageError: the store has lost it.

        Example::

            mix = songbench.load_run("vocals").audio("oracle", "anna", part="mix")
        """
        from songbench.domain.errors import InputError
        from songbench.domain.vocal_mix import VocalMix
        from songbench.execution.results import SongId

        song = self._song(SongId(system, prompt, take))
        assets, track = self._assets[prompt], self.results.suite.track
        if part not in PARTS:
            raise InputError("A song has no such part.", field="part", value=part, allowed=PARTS)
        if part == "song":
            return song.source.load()
        if track != "v2a" and part != "reference":
            raise InputError(
                f"There is no {part} in a run of the track {track}: vocals are given in the track v2a only.",
                field="part",
                cure='What the system gave, voice and all, is part="song".',
            )
        name = "vocal" if part == "mix" else part
        if name not in assets:
            raise InputError(f"Prompt '{prompt}' has no {name}, or it is not in the store.", field="part")
        return VocalMix(assets[name], song.source).load() if part == "mix" else assets[name].load()

    def _song(self, name: SongId) -> Song:
        """A song that was made.

        Raises:
            InputError: it was not, or was not asked for.
        """
        from songbench.domain.errors import InputError

        if name not in self._stored_songs:
            for place, field in enumerate(name._fields):
                values = dict.fromkeys(song[place] for song in self._stored_songs)
                if name[place] not in values:
                    raise InputError(
                        f"The run has no such {field}.",
                        field=field,
                        value=str(name[place]),
                        allowed=list(map(str, values)),
                    )
        song, _ = self._stored_songs.get(name, (None, None))
        if song is None:
            state = self.songs.query("system == @name.system and prompt == @name.prompt and take == @name.take")
            reasons = "; ".join(f"{row.state} {row.reason}".strip() for row in state.itertuples())
            raise InputError(f"{'/'.join(map(str, name))} was not made: {reasons or 'not asked for'}.")
        return song

    @cached_property
    def _stored_songs(self) -> dict[SongId, tuple[Song | None, str | None]]:
        from songbench.execution.recorded import stored_songs

        return stored_songs(self._experiment, self._store)

    @cached_property
    def _assets(self) -> dict[str, dict[str, AudioSource]]:
        from songbench.execution.recorded import stored_assets

        return stored_assets(self._experiment, self._store)

    def _address(self, source: AudioSource | None) -> str:
        """Where it lies: a path or an address; "" for what lies nowhere."""
        from songbench.domain.audio import AudioFile
        from songbench.execution.songs import StoredAudio

        if isinstance(source, StoredAudio):
            return self._store.address(source.blob.place)
        return str(source.path) if isinstance(source, AudioFile) else ""

    @cached_property
    def assets(self) -> pd.DataFrame:
        """The audio of the suite's prompts: ``prompt``, ``asset``, ``digest`` and ``audio``, a row each.

        ``asset`` is ``vocal``, ``reference`` or ``prompt_wav``, ``audio`` as in `songs`. What was to be rendered or cut
        and is not in the store has no row.
        """
        import pandas as pd

        from songbench.domain.audio import AudioFile
        from songbench.execution.recorded import stored_assets
        from songbench.execution.songs import StoredAudio

        rows = [
            (prompt, name, source.digest, str(source.path))
            if isinstance(source, AudioFile)
            else (prompt, name, source.digest, self._store.address(source.blob.place))
            for prompt, sources in stored_assets(self._experiment, self._store).items()
            for name, source in sources.items()
            if isinstance(source, AudioFile | StoredAudio)
        ]
        return pd.DataFrame(rows, columns=["prompt", "asset", "digest", "audio"])

    @cached_property
    def transcripts(self) -> pd.DataFrame:
        """What recognisers wrote down, a row for each song and metric, beside the lyrics."""
        from songbench.reporting.scores import transcripts_frame

        return transcripts_frame(self.results)

    def leaderboard(
        self,
        *,
        facet: str | None = None,
        columns: Sequence[str] | None = None,
        systems: Sequence[str] | None = None,
    ) -> LeaderboardView:
        """The leaderboard: rows, columns, intervals, significance groups, failures.

        Args:
            facet: also a table for each part of the run, in ``tables``: by ``language``, ``section_plan``,
                ``condition`` or any tag of the suite.
            columns: only these, by names of columns, metrics or fields. Comparisons are corrected within each column,
                so the letters stay as they are.
            systems: only these. A leaderboard of fewer systems makes fewer comparisons, so letters may differ.

        Returns:
            ``to_frame()`` gives a pandas frame; a notebook shows the table.

        Raises:
            InputError: a name is not known, naming the nearest.
        """
        from songbench.api.notebook import LeaderboardView
        from songbench.reporting.leaderboard import build_leaderboard
        from songbench.reporting.selection import select_systems, with_columns

        board = build_leaderboard(
            self.results if systems is None else select_systems(self.results, systems),
            listening_results=self._listening_results,
            facet=facet,
            **self._experiment.statistics,
        )
        return LeaderboardView.of(board if columns is None else with_columns(board, columns))

    def compare(self, first: str, second: str, *, columns: Sequence[str] | None = None) -> ComparisonView:
        """Two systems of the run, paired on its prompts.

        Args:
            first: the name of the system that is compared against.
            second: the name of the other.
            columns: names as for `leaderboard`; None: those that have a place in tables.

        Returns:
            As `songbench.compare`. Only this pair is tested, so p is corrected over columns, not over pairs.

        Raises:
            InputError: a name is not known, naming the nearest.
        """
        return self.compared_with(self, first, second, columns=columns)

    def compared_with(
        self,
        second: Run,
        first_system: str | None = None,
        second_system: str | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> ComparisonView:
        """Another run, compared with this one; `songbench.compare` explains it."""
        from songbench.api.notebook import ComparisonView
        from songbench.domain.errors import InputError
        from songbench.reporting.comparison import compare_sides, matching_systems

        pairs = matching_systems(self._side, second._side, first_system, second_system)
        if self.folder.resolve() == second.folder.resolve():
            for a, b in pairs:
                if a.system == b.system:
                    raise InputError(
                        f"Both sides are '{a.label}', which differs from itself in nothing.",
                        cure="Name two runs, or two systems of one: RUN:SYSTEM RUN:SYSTEM.",
                    )
        return ComparisonView.of(compare_sides(pairs, columns=columns, **self._experiment.statistics))

    @property
    def _side(self) -> RunSide:
        from songbench.reporting.comparison import RunSide

        parameters = {metric.card.id: dict(metric.parameters) for metric in self._experiment.metrics}
        return RunSide(name=self.name, results=self.results, metric_parameters=parameters)

    @cached_property
    def plot(self) -> Plots:
        """The figures, as matplotlib has them: ``run.plot.intervals("per")``."""
        from songbench.api.plots import Plots

        return Plots(self.leaderboard)

    @cached_property
    def _listening_results(self) -> tuple[ListeningResult, ...]:
        from songbench.reporting.listening_results import load_listening_results

        return tuple(load_listening_results(self.folder))

    def __repr__(self) -> str:
        results = self.results
        systems = ", ".join(card.name for card in results.systems)
        return f"Run {self.name!r}: {len(results.songs)} songs of {systems} ({self.folder})"

    def _repr_html_(self) -> str:
        """The leaderboard, for notebooks."""
        return self.leaderboard()._repr_html_()
