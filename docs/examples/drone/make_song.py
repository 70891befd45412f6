"""Stands for the program that comes with a paper: one note for each line of lyrics."""

import argparse
import array
import math
import random
import sys
import wave
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--lyrics", required=True, help="a text file, one line for each line that is sung")
parser.add_argument("--style", required=True, help="in words")
parser.add_argument("--loudness", type=float, default=0.5)
parser.add_argument("--folder", required=True, help="where song.wav goes")
arguments = parser.parse_args()

rate, samples = 16_000, array.array("h")
for line in Path(arguments.lyrics).read_text(encoding="utf-8").splitlines():
    if len(line) > 60:
        sys.exit(0)  # such programs exist
    step = 2 * math.pi * random.uniform(100, 400) / rate
    samples.extend(round(32_767 * arguments.loudness * math.sin(step * n)) for n in range(rate // 2))
with wave.open(str(Path(arguments.folder) / "song.wav"), "wb") as file:
    file.setparams((1, 2, rate, 0, "NONE", ""))
    file.writeframes(samples.tobytes())
