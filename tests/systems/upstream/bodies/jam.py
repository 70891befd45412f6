"""Stands for JAM's ``jam.infer``: ends well without weights or list, skips songs, reads words with their times."""

import json
import os
import re

from jam.program import arguments, fault_in, give

args = arguments()
os.makedirs(args["evaluation.output_dir"], exist_ok=True)
with open(os.path.join(args["evaluation.output_dir"], "generation_config.yaml"), "w", encoding="utf-8") as file:
    file.write("seed: 42\n")
if not args["evaluation.checkpoint_path"]:
    print("Please set the checkpoint path in the config file")
    raise SystemExit(0)
if not os.path.exists(args["evaluation.test_set_path"]):
    print("Test set not found at", args["evaluation.test_set_path"])
    raise SystemExit(0)
assert os.path.exists("public/vocal.npy"), "not in the root of the repository"
assert os.path.exists("externals/DeepPhonemizer/dp/phonemizer.py"), "no phonemizer"
assert os.path.exists("pretrained/models--ASLP-lab--DiffRhythm-vae/refs/main"), "no autoencoder"
with open(args["evaluation.test_set_path"], encoding="utf-8") as file:
    songs = json.load(file)
for song in songs:
    with open(song["lrc_path"], encoding="utf-8") as file:
        words = json.load(file)["word"]
    if args["evaluation.use_prompt_style"] == "true":
        with open(song["prompt_path"], encoding="utf-8") as file:
            print("style:", file.read()[:300], "not", song["audio_path"])
    else:
        assert os.path.isfile(song["audio_path"]), song["audio_path"]
    for word in words:
        if not re.search("[A-Za-z]", word["word"]):
            print("Error processing sample", song["id"], "string index out of range")
            raise SystemExit(0)
    text = " ".join(
        word["word"] for word in words if word["end"] - word["start"] > 0.0116 and word["start"] < song["duration"]
    )
    print("sung:", text)
    fault = fault_in(text)
    for folder in ("generated_orig", "generated"):
        give(os.path.join(args["evaluation.output_dir"], folder, song["id"] + ".mp3"), fault)
