"""Songs in memory, as a run would give them: short, unlike each other in level, rate and channels."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from listening_test.preparation.material import Contestant, Material
from listening_test.protocol import load_protocol
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request, Song, memory_song
from songbench.execution.results import SongId

RATE = 24000
PRESETS = {
    "acr": "levo",
    "preference": "preference",
    "ccr": "ccr",
    "multistimulus": "multistimulus",
    "mushra": "mushra",
}
WORDS = {
    "en": "[verse]\nwords of number {n}\n\n[chorus]\nla la la\nla la la",
    "zh": "[verse]\n春天来了{n}\n\n[chorus]\n花儿都开了",
}


def music(seconds, *, seed=0, rate=RATE, level=0.1, channels=2):
    """Chords with beats and a little noise: broad in spectrum, uneven in time."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    root = draw.uniform(110, 220)
    tones = sum((root * ratio * time + draw.random()) % 1 - 0.5 for ratio in (1, 1.25, 1.5))
    beats = 0.6 + 0.4 * np.sin(2 * np.pi * 2 * time)
    sound = level * (tones * beats + 0.2 * draw.standard_normal((channels, len(time))))
    return Audio(sound.astype("float32"), rate)


_song = lru_cache(maxsize=48)(music)  # of material, which nobody changes


def small_material(
    systems=("alphasinger", "betasinger"),
    prompts=5,
    *,
    seconds=8.0,
    references=False,
    samples=False,
    failed=(),
    takes=1,
    languages=("en", "zh"),
    genres=("folk", "rock"),
):
    """A run in memory; `failed`: (system, prompt number) of songs that were not made."""
    ids = [f"{languages[n % len(languages)]}-prompt-{n}" for n in range(prompts)]
    prompt_by_id = {
        prompt_id: Prompt(
            id=prompt_id,
            lyrics=parse_lyrics(WORDS[prompt_id[:2]].format(n=n)),
            language=prompt_id[:2],
            style="warm folk",
            prompt_audio=FileAsset("sample.wav") if samples else None,
            tags={"genre": genres[n // 2 % len(genres)]},
        )
        for n, prompt_id in enumerate(ids)
    }
    songs = {}
    for s, system in enumerate(systems):
        for n, prompt_id in enumerate(ids):
            for take in range(takes):
                audio = _song(
                    seconds + 0.2 * s,
                    seed=100 * s + 10 * n + take,
                    rate=(RATE, 22050)[s % 2],
                    level=0.02 * (1 + s + n),
                    channels=1 + (s + 1) % 2,
                )
                song = memory_song(Request(prompt=prompt_by_id[prompt_id], take=take, seed=0), audio)
                songs[SongId(system, prompt_id, take)] = None if (system, n) in failed else song
    return Material(
        run="secretrunname",
        runs="results/runs",
        systems=tuple(
            Contestant(name, ("lyrics", "prompt audio") if n == 0 else ("lyrics",)) for n, name in enumerate(systems)
        ),
        prompts=prompt_by_id,
        songs=songs,
        keys={name: f"songkey-{name.system}-{name.prompt}" for name in songs},
        prompt_audio={prompt_id: MemoryAudio(_song(2.0, seed=n)) for n, prompt_id in enumerate(ids)} if samples else {},
        references={prompt_id: MemoryAudio(_song(seconds, seed=900 + n)) for n, prompt_id in enumerate(ids)}
        if references
        else {},
    )


def small_protocol(form="acr", **overrides):
    """The preset of a form, for short songs at a low rate, with few checks."""
    base = {
        "listening": {"rate": RATE, "minimum_seconds": 1.0},
        "checks": {"headphone_check": 2, "training": 2, "traps": 1, "repeats": 0.1, "repeat_distance": 2},
        "raters": {"planned": 4},
        "excerpts": [{"rule": "window", "start": 0.5, "seconds": 6}],
        "languages": ["en"],
    }
    for name, value in overrides.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return load_protocol(PRESETS[form], base)


QUICK = {"anchors": [], "traps": 0, "training": 0, "headphone_check": 0, "sound_check": False, "repeats": 0}


def quick_protocol(form="acr", *, checks=None, **overrides):
    """The same without any checks but those named."""
    return small_protocol(form, checks={**QUICK, **(checks or {})}, **overrides)


def accompaniments(prompts=4):
    """The small material as a run of the track ``v2a``, with vocals a second longer than any song."""
    material = small_material(prompts=prompts, references=True)
    of_track = {name: replace(prompt, track="v2a") for name, prompt in material.prompts.items()}
    vocals = {name: MemoryAudio(music(9.5, seed=50 + n, channels=1)) for n, name in enumerate(of_track)}
    return replace(material, prompts=of_track, vocals=vocals)


def ladaband_protocol(**overrides):
    """The preset of accompaniments without any checks but those named."""
    base = quick_protocol(**overrides)
    preset = load_protocol("ladaband")
    return base.model_copy(
        update={field: getattr(preset, field) for field in ("tracks", "show", "scales", "background")}
    )


def silent(material, system, prompt):
    """The same material with one song silent."""
    name = SongId(system, prompt, 0)
    return with_song(material, name, Audio(np.zeros((2, 6 * RATE), "float32"), RATE))


def with_song(material, name, audio):
    """The same material with one song replaced."""
    old = material.songs[name]
    return replace(material, songs={**material.songs, name: Song(request=old.request, source=MemoryAudio(audio))})
