"""A vocal and a band that anybody can hear apart, and a small model that has learnt some such pairs."""

from dataclasses import replace

import numpy as np
import torch

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from systems.ladaband.checkpoint import save_predictor
from systems.ladaband.codec.blocks import BlockCodec, blocks_of
from systems.ladaband.config import PRESETS as MODELS
from systems.ladaband.model_folder import CODEC_FILE, PREDICTOR_FILE, ModelFacts, write_facts
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.training.config import PRESETS
from systems.ladaband.training.fit import fit
from systems.ladaband.training.pairs import encode_pair, stereo

RATE = 48_000


def voice(seconds, seed, rate=RATE):
    """A gliding tone, (1, n): no two blocks of it are alike."""
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (200 + 40 * seed) * (time + 0.05 * time**2)
    return Audio((0.3 * np.sin(phase) + 0.1 * np.sin(2.02 * phase))[None].astype(np.float32), rate)


def band(seconds, seed):
    """Strokes of decaying noise at irregular times, (2, n)."""
    generator = np.random.default_rng(seed)
    samples = np.zeros((2, round(seconds * RATE)), np.float32)
    place = 0.1
    while place < seconds - 0.2:
        stroke = generator.standard_normal((2, RATE // 8)) * np.exp(-np.arange(RATE // 8) / 900)
        start = round(place * RATE)
        samples[:, start : start + stroke.shape[1]] += 0.3 * stroke[:, : samples.shape[1] - start]
        place += generator.uniform(0.25, 0.5)
    return Audio(samples, RATE)


def request(vocal, name="song", seed=1, style="", clip=None):
    """What a system is asked for a vocal in memory."""
    prompt = Prompt(
        id=name, lyrics=parse_lyrics("[verse]\nla\n"), track="v2a", style=style, vocal=FileAsset(None), seconds=None
    )
    source = None if vocal is None else MemoryAudio(vocal)
    return Request(
        prompt=prompt, take=0, seed=seed, vocal=source, prompt_audio=None if clip is None else MemoryAudio(clip)
    )


def small_model(folder, songs, *, steps, facts=None, condition_dim=768):
    """A model that has had `steps` steps on pairs of vocal and band, as a folder."""
    codec = BlockCodec.from_blocks(
        torch.cat([blocks_of(torch.from_numpy(stereo(part))) for song in songs for part in song])
    )
    pairs = [encode_pair(codec, vocal, music, levelled=False) for vocal, music in songs]
    sizes = replace(
        MODELS["tiny"].predictor,
        vocal_vocabulary=codec.vocabulary,
        accompaniment_vocabulary=codec.vocabulary,
        condition_dim=condition_dim,
        dim=64,
        heads=2,
        key_value_heads=1,
        feed_forward=96,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MaskPredictor(sizes)
    if steps:
        fit(model, pairs, replace(PRESETS["overfit"], steps=steps, warm_up=5, learning_rate=1e-2))
    save_predictor(model, folder / PREDICTOR_FILE)
    codec.save(folder / CODEC_FILE)
    write_facts(facts or ModelFacts(conditions=()), folder)
    return folder
