"""Our harmonic pitch class profiles beside essentia's, on ten songs of the rule-based system.

essentia is AGPL-licensed and therefore never installed beside songbench: the songs are made here, and compared in an
environment of its own that needs numpy, soundfile, pydantic and pyyaml besides.

    python -m venv build/essentia
    build/essentia/bin/pip install essentia==2.1b6.dev1389 soundfile pydantic pyyaml
    python benchmarks/hpcp_essentia.py songs build/hpcp_songs
    PYTHONPATH=. build/essentia/bin/python benchmarks/hpcp_essentia.py compare build/hpcp_songs \
        --out results/hpcp_essentia/comparison.json

Each song is compared as its accompaniment and as its vocal, at 44.1 kHz, frame by frame. A figure is the largest
difference of any bin of any frame. essentia computes in single precision, songbench in double.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FRAME, HOP, RATE = 4096, 2048, 44_100
COUNT = 10
TOLERANCE = 1e-3


def essentia_profiles(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """HPCP of essentia with its defaults; frame k is centred at k hops.

    Args:
        samples: shape (n,), 44.1 kHz.

    Returns:
        Shape (frames, 12), one frame more than ours, which begins behind the end.
    """
    import essentia
    import essentia.standard as standard

    essentia.log.warningActive = False
    window, spectrum = standard.Windowing(type="blackmanharris62"), standard.Spectrum(size=FRAME)
    peaks = standard.SpectralPeaks(
        minFrequency=40, maxFrequency=5000, maxPeaks=10_000, magnitudeThreshold=1e-5, orderBy="magnitude"
    )
    profile = standard.HPCP()
    frames = standard.FrameGenerator(np.ascontiguousarray(samples, np.float32), FRAME, HOP)
    return np.array([profile(*peaks(spectrum(window(frame)))) for frame in frames])


def make_songs(folder: Path) -> None:
    """Render the songs of the suites ``validation`` and ``demo`` until there are ten, and write both parts of each."""
    import soundfile

    from songbench.domain.audio import Audio
    from songbench.domain.song import Request, Song
    from songbench.domain.suite import load_suite
    from songbench.suites import DEMO, VALIDATION
    from systems.rulebased.system import RuleBased

    folder.mkdir(parents=True, exist_ok=True)
    prompts = [prompt for suite in (VALIDATION, DEMO) for prompt in load_suite(suite).prompts][:COUNT]
    for number, prompt in enumerate(prompts):
        song = next(iter(RuleBased().generate([Request(prompt=prompt, take=0, seed=number)])))
        assert isinstance(song, Song), song
        vocal = song.stems["vocals"].load()
        parts = {"vocal": vocal, "accompaniment": Audio(song.audio.samples - vocal.samples, vocal.rate)}
        for name, audio in parts.items():
            samples = audio.mono().at(RATE).samples[0]
            soundfile.write(folder / f"{prompt.id}-{name}.wav", samples, RATE, subtype="FLOAT")


def compare(folder: Path) -> dict[str, Any]:
    """The largest difference of each file, and of all."""
    import essentia
    import soundfile

    from metrics.functional.pitch_profiles import hpcp

    rows = {}
    for path in sorted(folder.glob("*.wav")):
        samples, rate = soundfile.read(path, dtype="float32")
        profiles, audible = hpcp(samples, rate)
        reference = essentia_profiles(samples)[: len(profiles)]
        rows[path.stem] = {
            "frames": len(profiles),
            "audible": int(audible.sum()),
            "largest_difference": float(f"{np.abs(profiles - reference).max():.2g}"),
        }
    largest = max(row["largest_difference"] for row in rows.values())
    return {
        "essentia": essentia.__version__,
        "tolerance": TOLERANCE,
        "largest_difference": largest,
        "equal": largest < TOLERANCE,
        "songs": rows,
    }


def main() -> None:
    """Make the songs, or compare them and write the comparison."""
    parser = argparse.ArgumentParser(description="Our HPCP beside essentia's.")
    parser.add_argument("step", choices=("songs", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.step == "songs":
        make_songs(options.folder)
        return
    text = json.dumps(compare(options.folder), indent=2) + "\n"
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
