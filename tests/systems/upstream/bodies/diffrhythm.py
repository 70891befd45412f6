"""Stands for DiffRhythm's ``infer/infer.py``: no lines, the file name, the lengths, one kind of style."""

import os
import re

from program import arguments, fault_in, give

args = arguments()
assert args.ref_prompt or args.ref_audio_path, "either ref_prompt or ref_audio_path should be provided"
assert not (args.ref_prompt and args.ref_audio_path), "only one of them should be provided"
if args.audio_length != 95 and not 95 < args.audio_length <= 285:
    raise ValueError(f"Invalid audio_length: {args.audio_length}")
assert os.path.exists("infer/example/vocal.npy"), "not in the root of the repository"
repository = "DiffRhythm-1_2" if args.audio_length == 95 else "DiffRhythm-1_2-full"
assert os.path.exists(f"pretrained/models--ASLP-lab--{repository}/refs/main"), "no weights"
rows = []
if args.lrc_path:
    with open(args.lrc_path, encoding="utf-8") as file:
        for line in file.read().strip().split("\n"):
            stamp = re.fullmatch(r"(\d\d):(\d\d\.\d\d)", line[1:9])
            if stamp:
                rows.append((60 * int(stamp[1]) + float(stamp[2]), line[10:].strip()))
for _, words in rows:
    if not re.search("[A-Za-z\u4e00-\u9fa5]", words):
        raise Exception(f"Unknown language: {words}")
rows = [row for row in rows if row[0] < args.audio_length]
if args.audio_length == 95:
    rows = rows[:-1]
print("sung:", " / ".join(words for _, words in rows))
fault = fault_in(" ".join(words for _, words in rows))
print("inference cost 0.12 seconds")
give(os.path.join(args.output_dir, "output.wav"), fault)
