"""A tiny LaDA-Band that learns eight songs by heart in about a minute on a CPU, and gives them back in a run.

    OMP_NUM_THREADS=1 python benchmarks/ladaband_overfit.py --out build/ladaband-overfit

The whole way is gone: the rule-based system renders vocals with their true accompaniments, a block codec turns both
into tokens, the predictor is trained on the pairs by the public objective, the model is written as a folder, and
``songbench run`` has it accompany the vocals beside the truth, another song's truth and silence. That shows that all
parts fit together; it says nothing about songs that the model has not learnt. What ends in ``--out``: ``songs/`` (wav),
``suite.jsonl``, ``model/``, ``store/`` and ``runs/``.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from songbench.domain.audio import Audio, read_audio
from songbench.domain.errors import SongbenchError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from systems.ladaband.checkpoint import save_predictor
from systems.ladaband.codec.blocks import BlockCodec, blocks_of
from systems.ladaband.config import PRESETS as MODELS
from systems.ladaband.model_folder import CODEC_FILE, PREDICTOR_FILE, ModelFacts, write_facts
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.training.config import PRESETS, TrainingConfig
from systems.ladaband.training.fit import TrainingStep, fit
from systems.ladaband.training.pairs import encode_pair, stereo
from systems.rulebased.system import RuleBased

LYRICS = "[verse]\nWalking in the rain tonight\nEvery window full of light\n"
GENRES = ("pop", "rock", "folk", "disco", "soul", "country", "punk", "house")
SYSTEMS = "oracle,shuffled_band,silence"


def main() -> None:
    """Render, train, run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--songs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--steps", type=int, default=PRESETS["overfit"].steps)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    suite = write_songs(options.out, options.songs, options.seconds)
    start = time.process_time()
    model = train(suite, options.out / "model", replace(PRESETS["overfit"], steps=options.steps))
    print(f"trained in {time.process_time() - start:.0f} s of the processor", flush=True)
    choice = ["--suite", str(suite), "--systems", f"ladaband={model},{SYSTEMS}", "--metrics", "onset_f1@librosa,rtf"]
    places = ["--set", f"runs={options.out / 'runs'}", "--set", f"store={options.out / 'store'}"]
    command = [sys.executable, "-m", "songbench", "run", *choice, *places]
    sys.exit(subprocess.run(command, check=False).returncode)


def write_songs(folder: Path, count: int, seconds: float) -> Path:
    """Vocals and accompaniments as wav files, and the suite that names them; returns the suite's path."""
    (folder / "songs").mkdir()
    lines: list[dict[str, object]] = [{"suite": "ladaband-overfit", "version": "1", "licence": "CC0-1.0"}]
    lyrics = parse_lyrics(LYRICS)
    for number in range(count):
        genre = GENRES[number % len(GENRES)]
        prompt = Prompt(id=f"song-{number}", lyrics=lyrics, style=genre, seconds=seconds)
        (song,) = RuleBased().generate([Request(prompt=prompt, take=0, seed=number)])
        if not isinstance(song, Song):
            raise SongbenchError(f"{prompt.id}: {song.cause}")
        band = sum(stem.load().samples for name, stem in song.stems.items() if name != "vocals")
        tracks = {"vocal": song.stems["vocals"].load(), "reference": Audio(np.asarray(band, "float32"), 48_000)}
        line: dict[str, object] = {"id": prompt.id, "track": "v2a", "style": genre, "lyrics": LYRICS}
        for name, audio in tracks.items():
            file = folder / "songs" / f"{prompt.id}-{name}.wav"
            soundfile.write(file, audio.samples.T, audio.rate, subtype="FLOAT")
            line[name] = f"songs/{file.name}"
        lines.append(line)
    suite = folder / "suite.jsonl"
    suite.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return suite


def train(suite: Path, folder: Path, config: TrainingConfig) -> Path:
    """Train a tiny model on the vocals and references of a suite of files; returns the model's folder.

    Its codec holds the blocks of these very songs, so that what is decoded can only be made of them.
    """
    prompts = [json.loads(line) for line in suite.read_text(encoding="utf-8").splitlines()[1:]]
    songs = [tuple(read_audio(suite.parent / prompt[name]) for name in ("vocal", "reference")) for prompt in prompts]
    blocks = [blocks_of(torch.from_numpy(stereo(track))) for song in songs for track in song]
    codec = BlockCodec.from_blocks(torch.cat(blocks))
    pairs = [encode_pair(codec, vocal, band, levelled=False) for vocal, band in songs]
    sizes = replace(
        MODELS["tiny"].predictor, vocal_vocabulary=codec.vocabulary, accompaniment_vocabulary=codec.vocabulary
    )
    torch.manual_seed(0)
    model = MaskPredictor(sizes)
    fit(model, pairs, config, folder=folder, progress=_say)
    save_predictor(model, folder / PREDICTOR_FILE)
    codec.save(folder / CODEC_FILE)
    longest = max(vocal.seconds for vocal, _ in songs)
    write_facts(ModelFacts(conditions=(), trained_seconds=longest), folder)
    return folder


def _say(step: TrainingStep) -> None:
    if step.step % 10 == 0:
        print(step, flush=True)


if __name__ == "__main__":
    main()
