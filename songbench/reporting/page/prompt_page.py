"""The page of a prompt: its songs to be compared by listening, with lyrics as recognised, sections and all scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from songbench.contracts.metric import WordAligner
from songbench.domain.errors import SongbenchError
from songbench.domain.mixing import LOUDNESS_LUFS, MIX_RULE
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Song, TimedSection
from songbench.execution.results import SongId
from songbench.reporting.asset_titles import asset_titles
from songbench.reporting.audio_files import MP3_RATE
from songbench.reporting.document.blocks import (
    AudioPlayer,
    Block,
    Fold,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Recording,
    Recordings,
    SideBySide,
    Text,
    View,
    Views,
)
from songbench.reporting.document.html import LinkedFiles, to_html
from songbench.reporting.document.recordings import LyricSheet, SectionStrip, Waveform
from songbench.reporting.file_names import readable_names
from songbench.reporting.page.lyric_sheets import LEGEND, alignment_summary, lyric_sheet
from songbench.reporting.page.material import PARTS, PageMaterial, prompt_place
from songbench.reporting.page.song_files import ReportAudio, SongAudio
from songbench.reporting.page.song_picture import SongPicture, song_pictures
from songbench.reporting.page.song_scores import PromptScores
from songbench.reporting.report_files import PAGE
from songbench.reporting.songs import SongRow, song_rows, song_sheet

ASSETS = ("players.css", "players.js")
"""The files of this folder's ``assets`` that the pages of prompts need."""
PICTURES = "pictures"
"""Holds the spectrograms, below `PARTS`."""
_BATCH = 128
"""As many songs are looked at together, each with a picture of some 20 kB."""

_NO_AUDIO = "This copy of the report has no audio: 'songbench report RUN --to FOLDER --audio link' writes one that has."
_WITH_VOCAL = (
    f"What plays is the vocal with each accompaniment, both at {LOUDNESS_LUFS:g} LUFS ({MIX_RULE}); outlines and "
    "spectrograms are of the accompaniment alone. All stand on one time axis."
).replace("-", "−", 1)
_LISTENING = (
    "All songs stand on one time axis. They are played as loud as they are, unless equal loudness is chosen: then the "
    "louder ones are turned down."
)


def prompt_pages(material: PageMaterial, audio: ReportAudio) -> Iterator[tuple[str, bytes]]:
    """The pages of all prompts, with the pictures, the style and the script that they need.

    No more is in memory at a time than the pictures of a batch of songs.

    Args:
        material: of the run.
        audio: as `songbench.reporting.page.song_files.write_song_files` brought it into the report.

    Returns:
        Paths seen from the run's folder, with contents; the same for the same material.
    """
    pages = _PromptPages(material, audio)
    for name in ASSETS:
        yield f"{PARTS}/{name}", (files(__package__) / "assets" / name).read_bytes()
    linked = LinkedFiles(("../page.css", "../players.css"), ("../page.js", "../players.js"))
    for prompts in pages.batches():
        pictures = dict(pages.load_pictures(prompts))
        for place, picture in pictures.items():
            yield f"{PARTS}/{place}", picture.spectrogram
        images = {place: f"../{place}" for place in pictures}
        for prompt in prompts:
            trail = (Fragment(material.name, link=f"../../{PAGE}"), Fragment("prompts"), Fragment(prompt.id))
            page = to_html(pages.blocks(prompt), images, linked=linked, trail=trail)
            yield prompt_place(prompt.id), page.encode()


@dataclass(frozen=True)
class _SongEntry:
    """A song that the run asks for.

    Attributes:
        row: what became of it.
        title: its system, with the take where there are several.
        sanity: whether its system does not compete.
    """

    row: SongRow
    title: str
    sanity: bool


class _PromptPages:
    """Builds the pages of a run's prompts one after the other."""

    def __init__(self, material: PageMaterial, audio: ReportAudio) -> None:
        self.material, self.audio = material, audio
        self.scores = PromptScores(material.results)
        self.pictures: Mapping[str, SongPicture | Failure] = {}
        systems = readable_names(dict.fromkeys(song.system for song in material.songs))
        prompts = readable_names(dict.fromkeys(song.prompt for song in material.songs))
        self.places = {
            song: f"{PICTURES}/{systems[song.system]}/{prompts[song.prompt]}.take{song.take}.webp"
            for song in material.songs
        }
        self.entries = self._song_entries()
        self.order = [prompt.id for prompt in material.results.suite.prompts]
        self.order_places = {prompt: place for place, prompt in enumerate(self.order)}
        self._sheet: tuple[Prompt, LyricSheet] | None = None
        self.asset_remarks = defaultdict(list)
        for remark in material.results.asset_remarks:
            self.asset_remarks[remark.prompt].append(remark)

    def _song_entries(self) -> dict[str, list[_SongEntry]]:
        """The songs of each prompt: competitors first, as on the leaderboard."""
        results = self.material.results
        sanity = {card.name: card.sanity for card in results.systems}
        rows = sorted(song_rows(results), key=lambda row: sanity[row.song.system])
        songs: dict[str, list[_SongEntry]] = {prompt.id: [] for prompt in results.suite.prompts}
        for row in rows:
            take = f" take {row.song.take}" if results.takes > 1 else ""
            songs[row.song.prompt].append(_SongEntry(row, row.song.system + take, sanity[row.song.system]))
        return songs

    def batches(self) -> Iterator[list[Prompt]]:
        """The prompts, each time so many that they have songs enough to be decoded side by side."""
        batch: list[Prompt] = []
        count = 0
        for prompt in self.material.results.suite.prompts:
            batch.append(prompt)
            count += len(self.entries[prompt.id])
            if count >= _BATCH:
                yield batch
                batch, count = [], 0
        if batch:
            yield batch

    def load_pictures(self, prompts: Iterable[Prompt]) -> Iterator[tuple[str, SongPicture]]:
        """Read the pictures of these prompts' songs instead of those before; each with the place of its file."""
        songs = [entry.row.song for prompt in prompts for entry in self.entries[prompt.id]]
        songs = [song for song in songs if song in self.places]
        self.pictures = song_pictures(self.material.store, [self.material.songs[song].source for song in songs])
        for song in songs:
            picture = self._picture(song)
            if picture is not None:
                yield self.places[song], picture

    def _picture(self, song: SongId) -> SongPicture | None:
        picture = self.pictures[self.material.songs[song].source.digest]
        return None if isinstance(picture, Failure) else picture

    # -- the page --------------------------------------------------------------------------------------------------

    def blocks(self, prompt: Prompt) -> list[Block]:
        """The page of a prompt."""
        entries = self.entries[prompt.id]
        playable = [song for song in entries if song.row.song in self.material.songs]
        recordings = [self._recording(prompt, song, key=str(number)) for number, song in enumerate(playable, start=1)]
        scores = self.scores.table_of_prompt(
            [song.row.song for song in entries], [song.title for song in entries], [song.sanity for song in entries]
        )
        about = (*_unmade(entries), Heading("Scores of this prompt"), scores)
        return [
            Heading(prompt.id, level=1),
            Text(self._neighbours(prompt)),
            *_facts(prompt),
            *self._prompt_audio(prompt),
            *self._audio_remarks(prompt),
            *self._about_songs(recordings, prompt.track),
            *_listing(self.audio.faults.get(prompt.id, ())),
            *([Recordings(f"songs of {prompt.id}", tuple(recordings), about)] if recordings else about),
        ]

    def _neighbours(self, prompt: Prompt) -> tuple[Fragment, ...]:
        place = self.order_places[prompt.id]
        before = [Fragment(f"← {name}", link=f"{name}.html") for name in self.order[max(0, place - 1) : place]]
        after = [Fragment(f"{name} →", link=f"{name}.html") for name in self.order[place + 1 : place + 2]]
        report = Fragment("all results", link=f"../../{PAGE}")
        parts = [*before, report, *after]
        spaced = [fragment for part in parts for fragment in (Fragment(" | "), part)]
        return tuple(spaced[1:])

    def _prompt_audio(self, prompt: Prompt) -> list[Block]:
        """Players for its own audio."""
        titles = asset_titles(prompt.track)
        paths = self.audio.prompts.get(prompt.id, {})
        players = [(AudioPlayer(f"../{path}", titles[name]),) for name, path in paths.items()]
        return [SideBySide(tuple(players))] if players else []

    def _audio_remarks(self, prompt: Prompt) -> list[Block]:
        """What is odd about its own audio."""
        remarks = self.asset_remarks.get(prompt.id, ())
        return _listing(
            [
                (Fragment(title, "strong"), Fragment(f": {entry.remark.code}, {entry.remark.text}"))
                for name, title in asset_titles(prompt.track).items()
                for entry in remarks
                if entry.belongs_to(prompt.id, name)
            ]
        )

    def _about_songs(self, recordings: Sequence[Recording], track: str) -> list[Block]:
        if not recordings:
            return [Text("No song was made of this prompt.")]
        if self.audio.mode == "none":
            return [Text(_NO_AUDIO)]
        codec = f" They are MP3 of {MP3_RATE} kbit/s; scores are of the originals." if self.audio.mode == "mp3" else ""
        return [Text((_WITH_VOCAL if track == "v2a" else _LISTENING) + codec)]

    # -- a song ----------------------------------------------------------------------------------------------------

    def _recording(self, prompt: Prompt, entry: _SongEntry, key: str) -> Recording:
        name = entry.row.song
        song, picture, audio = self.material.songs[name], self._picture(name), self.audio.songs.get(name)
        strips = self._strips(prompt, song, name, picture.seconds if picture else 0.0)
        return Recording(
            key=key,
            title=entry.title,
            seconds=picture.seconds if picture else 0.0,
            path=f"../{audio.mix}" if audio else "",
            note=_note(picture),
            loudness=picture.loudness if picture and prompt.track == "song" else None,
            waveform=_waveform(picture) if picture else None,
            strips=strips if picture else (),
            spectrogram=self.places[name] if picture else "",
            blocks=(
                *self._lyrics(prompt, song, name),
                *_remarks(entry.row),
                Heading("Scores", level=3),
                self.scores.table_of_song(name),
                Fold("How it was made", tuple(_sheet(entry.row))),
                *_parts(audio),
            ),
            faint=entry.sanity,
        )

    def _strips(self, prompt: Prompt, song: Song, name: SongId, seconds: float) -> tuple[SectionStrip, ...]:
        """The sections asked for, and those that metrics found."""
        strips = [SectionStrip("by the system", song.sections) if song.sections else _free_sections(prompt, seconds)]
        for metric in self.material.results.metrics:
            verdict = metric.songs.get(name)
            sections = _detected(verdict) if isinstance(verdict, Scores) else ()
            if sections:
                strips.append(SectionStrip(f"by {metric.card.id}", sections))
        return tuple(strips)

    def _lyrics(self, prompt: Prompt, song: Song, name: SongId) -> list[Block]:
        """The lyrics as each recogniser heard them; as they were asked for where none did."""
        if not prompt.lyrics.lines:
            return []
        alignments = list(self._alignments(prompt, song, name))
        if not alignments:
            return [Heading("Lyrics", level=3), self._plain_sheet(prompt)]
        if len(alignments) == 1:
            identifier, blocks = alignments[0]
            return [Heading(f"Lyrics as {identifier} recognised them", level=3), *blocks]
        views = tuple(View(identifier, tuple(blocks), group="recogniser") for identifier, blocks in alignments)
        return [Heading("Lyrics as recognised", level=3), Views("by", views)]

    def _plain_sheet(self, prompt: Prompt) -> LyricSheet:
        """The lyrics as they stand, the same for all songs of a prompt."""
        if self._sheet is None or self._sheet[0] is not prompt:
            self._sheet = prompt, lyric_sheet(prompt)
        return self._sheet[1]

    def _alignments(self, prompt: Prompt, song: Song, name: SongId) -> Iterator[tuple[str, list[Block]]]:
        for identifier, aligner in self.material.aligners.items():
            for metric in self.material.results.metrics:
                verdict = metric.songs.get(name) if metric.card.id == identifier else None
                if isinstance(verdict, Scores):
                    yield identifier, _alignment(aligner, prompt, song, verdict)


def _alignment(aligner: WordAligner, prompt: Prompt, song: Song, scores: Scores) -> list[Block]:
    try:
        words = aligner.word_alignment(prompt, scores)
    except (SongbenchError, LookupError) as error:  # also of records of versions that stored no texts
        return [Text(f"The words cannot be aligned here: {error}"), lyric_sheet(prompt)]
    about = f"{alignment_summary(words, prompt.language)} {LEGEND}" + (
        " Click a word to hear it." if song.words else ""
    )
    return [Text(about), lyric_sheet(prompt, words, song.words)]


def _facts(prompt: Prompt) -> list[Block]:
    """What the prompt asks for, in two lines."""
    facts = {
        "language": prompt.language,
        **{name.replace("_", " "): value for name, value in prompt.tags.items()},
        "length": "" if prompt.seconds is None else f"{prompt.seconds:g} s",
        "sections": prompt.section_plan,
        "licence": prompt.licence,
    }
    line = "; ".join(f"{name}: {value}" for name, value in facts.items() if value)
    return [*([Text((Fragment("Style: "), Fragment(prompt.style, "strong")))] if prompt.style else []), Text(line)]


def _unmade(entries: Iterable[_SongEntry]) -> list[Block]:
    lines = []
    for song in entries:
        if song.row.state != "made":
            reason = f" ({song.row.reason})" if song.row.reason else ""
            lines.append((Fragment(song.title, "strong"), Fragment(f": {song.row.state}{reason}")))
    return [Heading("Songs that were not made"), *_listing(lines)] if lines else []


def _listing(lines: Sequence[Phrase]) -> list[Block]:
    return [Listing(tuple(lines))] if lines else []


def _parts(audio: SongAudio | None) -> list[Block]:
    """Players for parts of what is heard."""
    paths = {"Vocals": audio.vocals, "Accompaniment": audio.accompaniment} if audio else {}
    return [Fold(f"{title} alone", (AudioPlayer(f"../{path}", title),)) for title, path in paths.items() if path]


def _waveform(picture: SongPicture) -> Waveform:
    return Waveform(peaks=tuple(picture.outline.peaks.tolist()), levels=tuple(picture.outline.levels.tolist()))


def _note(picture: SongPicture | None) -> str:
    if picture is None:
        return "cannot be read"
    loudness = "no loudness" if picture.loudness is None else f"{picture.loudness:.1f} LUFS".replace("-", "−")
    return f"{picture.seconds:.1f} s, {loudness}"


def _remarks(row: SongRow) -> list[Block]:
    if not row.remarks:
        return []
    return [Heading("Remarks about the sound", level=3), Listing(row.remarks)]


def _sheet(row: SongRow) -> list[Block]:
    """All that is known of how a song came about; remarks stand elsewhere."""
    _, *blocks = song_sheet(replace(row, remarks=()))
    return [Heading(block.text, level=3) if isinstance(block, Heading) else block for block in blocks]


def _free_sections(prompt: Prompt, seconds: float) -> SectionStrip:
    """The sections that the lyrics ask for: those with a duration as long as asked, the others share what is left."""
    sections = prompt.lyrics.sections
    timed = sum(section.seconds or 0.0 for section in sections)
    free = sum(section.seconds is None for section in sections)
    share = (seconds - timed) / free if free and timed < seconds else None
    lengths = [
        seconds / len(sections) if share is None else section.seconds if section.seconds is not None else share
        for section in sections
    ]
    spans, start = [], 0.0
    for section, length in zip(sections, lengths, strict=True):
        spans.append(TimedSection(section.tag, start, start + length))
        start += length
    return SectionStrip("asked, lengths free", tuple(spans), free=True)


def _detected(scores: Scores) -> tuple[TimedSection, ...]:
    """The sections in the detail of a metric that finds them; empty for others."""
    if "requested" not in scores.detail:
        return ()
    rows = scores.detail.get("found")
    try:
        return tuple(TimedSection(str(tag), float(start), float(end)) for tag, start, end in rows)  # type: ignore
    except (TypeError, ValueError):
        return ()
