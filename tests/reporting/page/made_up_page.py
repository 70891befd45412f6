"""Material of a report page: two prompts in two languages, songs that sound, one that failed, hostile texts."""

from __future__ import annotations

import numpy as np

from metrics.per import compare, whisper_base_mix
from songbench.contracts.cards import READY, Field, MetricCard, SystemCard
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.remark import Remark
from songbench.domain.rendering import Rendering
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, GenerationRecord, Request, Song, TimedSection, TimedWord
from songbench.domain.suite import Suite
from songbench.execution.results import MetricResults, RunResults, SongId, Sound
from songbench.execution.songs import put_audio
from songbench.execution.store import Store
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.page.material import PageMaterial

HOSTILE = "<script>alert('x')</script> & \"quotes\""
PROMPTS = (
    Prompt(
        id="p1",
        lyrics=parse_lyrics("[intro]\n\n[verse]\nHello <b>world</b>\nChoose 2\n\n[chorus]\nOver the river"),
        language="en",
        style=HOSTILE,
        tags={"genre": "<i>folk</i>"},
        seconds=2.0,
    ),
    Prompt(id="p2", lyrics=parse_lyrics("[verse]\n我爱你，不是她"), language="zh", style="流行"),
)
SYSTEMS = (
    SystemCard(name="singer", version="1", summary="Sings.", licence="MIT"),
    SystemCard(name="我的<模型>", version="1", summary="Sings, too.", licence="MIT"),
    SystemCard(name="silence", version="1", summary="Says nothing.", licence="MIT", sanity=True),
)
SER = MetricCard(
    name="ser",
    backend="novelty",
    version="1",
    fields=(Field("ser", unit="%", direction="lower", low=0, high=100, decimals=1),),
    summary="Sections.",
)
HEARD = {
    "singer": {"p1": "oh hello world choose two over a river", "p2": "我愛他不是"},
    "我的<模型>": {"p1": "", "p2": "我爱你不是她"},
}
WORDS = ("Hello", "b", "world", "b", "Choose", "two", "Over", "the", "river")


def tone(hertz, seconds=2.0, rate=16_000, amplitude=0.3):
    wave = amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return MemoryAudio(Audio(wave.astype("float32")[None], rate))


def made_up_material(folder, *, seconds=2.0) -> PageMaterial:
    """A run of which `singer` knows when its words are sung, and the second system failed once."""
    store = Store(str(folder / "store"))
    songs, states, verdicts, structure, sounds = {}, {}, {}, {}, {}
    for number, card in enumerate(SYSTEMS):
        for prompt in PROMPTS:
            name = SongId(card.name, prompt.id, 0)
            if number == 1 and prompt.id == "p2":
                states[name] = Failure("generate", f"time-out {HOSTILE}")
                continue
            states[name] = "done"
            songs[name] = song = made_up_song(store, number, prompt, seconds)
            sounds[name] = Sound(song.source.digest, song.remarks)
            if card.sanity:
                verdicts[name] = NotApplicable(f"silent {HOSTILE}")
                continue
            transcript = {"text": HEARD[card.name][prompt.id], "dropped": []}
            verdicts[name] = compare(prompt.lyrics.lines, transcript, prompt.language)
            detail = {"requested": ["intro", "verse", "chorus"], "found": [["verse", 0.0, 1.0], ["chorus", 1.0, 2.0]]}
            structure[name] = Scores(values={"ser": 25.0}, detail=detail)
    aligner = whisper_base_mix()
    results = RunResults(
        suite=Suite(name="made-up", version="1", prompts=PROMPTS, description="", licence="CC0-1.0"),
        takes=1,
        systems=SYSTEMS,
        songs=states,
        metrics=(
            MetricResults(card=aligner.card, availability=READY, songs=verdicts, sets={}),
            MetricResults(card=SER, availability=READY, songs=structure, sets={}),
        ),
        sounds=sounds,
        generation={name: song.record for name, song in songs.items()},
    )
    return PageMaterial(
        name="made-up <run>",
        board=build_leaderboard(results, replicates=50),
        results=results,
        songs=songs,
        store=store,
        assets={"p1": {"prompt_wav": put_audio(store, tone(700, 0.5))}},
        aligners={aligner.card.id: aligner},
    )


def made_up_song(store, number, prompt, seconds):
    """A tone of its own for each system; the first one knows its words, its sections and its vocals."""
    silent = number == 2
    source = put_audio(store, tone(300 + 200 * number, seconds, amplitude=0.0 if silent else 0.3))
    song = Song(
        request=Request(prompt=prompt, take=0, seed=0),
        source=source,
        record=GenerationRecord(rendering=Rendering(lyrics=f"[verse]\n{HOSTILE}")),
        remarks=(Remark("clipping", f"It clips {HOSTILE}."),) if number == 0 else (),
    )
    if number or prompt.id != "p1":
        return song
    step = seconds / len(WORDS)
    return Song(
        request=song.request,
        source=song.source,
        record=song.record,
        remarks=song.remarks,
        stems={"vocals": put_audio(store, tone(250, seconds))},
        words=tuple(TimedWord(word, step * place, step * (place + 1)) for place, word in enumerate(WORDS)),
        sections=(
            TimedSection("intro", 0.0, 0.4),
            TimedSection("verse", 0.4, seconds / 2),
            TimedSection("chorus", seconds / 2, seconds),
        ),
    )
