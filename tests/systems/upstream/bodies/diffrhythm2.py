"""Stands for DiffRhythm 2's ``inference.py``: tags to the letter, lines it cannot read, files named by the song."""

import json
import os
import re

from program import arguments, fault_in, give

TAGS = ["start", "end", "intro", "verse", "chorus", "outro", "inst", "solo", "bridge", "hook", "break", "stop", "space"]

args = arguments()
for name in ("model.safetensors", "model.json", "decoder.bin", "decoder.json"):
    assert os.path.exists(os.path.join("ckpt", name)), f"no {name}"
assert os.path.exists("ckpt/models--OpenMuQ--MuQ-MuLan-large/snapshots"), "MuQ-MuLan is not in the cache"
os.makedirs(args.output_dir, exist_ok=True)
with open(args.input_jsonl) as file:
    songs = [json.loads(line.strip()) for line in file.readlines()]
for number, song in enumerate(songs):
    name = song.get("song_name", f"{number:04d}")
    if song.get("lyrics") is None or song.get("style_prompt") is None:
        print(f"lyrics or style_prompt is None, skip {name}")
        continue
    with open(song["lyrics"]) as file:
        text = file.read()
    for row in text.split("\n"):
        if row not in [f"[{tag}]" for tag in TAGS] and not re.search("[A-Za-z\u4e00-\u9fa5]", row.strip()):
            raise Exception("Unknown language: " + ("other" if row.strip() else ""))
    kind = "audio" if os.path.isfile(song["style_prompt"]) else "text"
    print("sung:", text.replace("\n", " / "), "in the style of", kind, song["style_prompt"])
    give(f"{args.output_dir}/{name}.mp3", fault_in(text), channels=2 if args.fake_stereo else 1)
