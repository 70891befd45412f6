"""Stands for LeVo's ``generate.py``: the generation by the folder's name, the cached vocals, exit code 0."""

import json
import os
import sys

from program import arguments, fault_in, give

GENERATION_1 = ("base", "base_new", "base_full", "large")

args = arguments()
model = args.ckpt_path.split("/")[-1].lower().replace("-", "_")
generation = 1 if model in [f"songgeneration_{name}" for name in GENERATION_1] else 2
print("use generate_lowmem" if args.low_mem else "use generate", "generation", generation)
for name in ("config.yaml", "model.pt"):
    assert os.path.exists(os.path.join(args.ckpt_path, name)), f"no {name}"
with open(args.input_jsonl) as file:
    songs = [json.loads(line) for line in file.readlines()]
for song in songs:
    if "prompt_audio_path" in song:
        assert os.path.exists(song["prompt_audio_path"]) and "auto_prompt_audio_type" not in song
        name, _ = os.path.splitext(os.path.basename(song["prompt_audio_path"]))
        os.makedirs("tmp", exist_ok=True)
        cached = os.path.join("tmp", name + "_vocals.flac")
        assert not os.path.exists(cached), "the vocals of another clip"
        give(cached)
os.makedirs(args.save_dir + "/audios", exist_ok=True)
os.makedirs(args.save_dir + "/jsonl", exist_ok=True)
for song in songs:
    description = song["descriptions"].lower() if "descriptions" in song else None if generation == 1 else "."
    if generation == 2:
        description = "[Musicality-very-high], " + description
    print("sung:", song["gt_lyric"].replace("  ", " "), "in the style", description)
    fault = fault_in(song["gt_lyric"])
    path = f"{args.save_dir}/audios/{song['idx']}.flac"
    if args.generate_type == "separate":
        give(path.replace(".flac", "_vocal.flac"))
        give(path.replace(".flac", "_bgm.flac"))
    give(path, fault)
    if not args.low_mem:
        print(f"process{song['idx']}, lm cost 1.5s, diffusion cost 0.25")
name = os.path.split(args.input_jsonl)[-1]
with open(f"{args.save_dir}/jsonl/{name}.jsonl", "w", encoding="utf-8") as file:
    file.writelines(json.dumps(song, ensure_ascii=False) + "\n" for song in songs)
sys.exit(0)
