"""Stands for SongBloom's ``infer.py``: files it looks for, a line of JSON per song, names of files."""

import json
import os

from program import arguments, fault_in, give

args = arguments()
for file in (f"{args.model_name}.pt", f"{args.model_name}.yaml", "vocab_g2p.yaml", "autoencoder_music_dsp1920.ckpt"):
    assert os.path.exists(os.path.join(args.local_dir, file)), f"no {file}"
with open(args.input_jsonl) as file:
    songs = [json.loads(line) for line in file]
for song in songs:
    assert os.path.exists(song["prompt_wav"]), f"no clip {song['prompt_wav']}"
    print("sung:", song["lyrics"])
    fault = fault_in(song["lyrics"])
    for take in range(args.n_samples):
        give(os.path.join(args.output_dir, f"{song['idx']}_s{take}.flac"), fault)
