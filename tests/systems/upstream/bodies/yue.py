"""Stands for YuE's ``inference/infer.py``: the lost last section, its labels, its file names."""

import os
import re
import uuid

from program import arguments, fault_in, give

args = arguments()
if args.use_audio_prompt and not args.audio_prompt_path:
    raise FileNotFoundError("Please offer audio prompt filepath")
with open(args.genre_txt) as file:
    genres = file.read().strip()
with open(args.lyrics_txt) as file:
    sections = re.findall(r"\[(\w+)\](.*?)(?=\[|\Z)", file.read(), re.DOTALL)
for folder in (args.stage1_model, args.stage2_model, "xcodec_mini_infer", "mm_tokenizer_v0.2_hf"):
    assert os.path.exists(folder), f"no {folder}"
sung = [" ".join(words.split()) for _, words in sections][: max(0, min(args.run_n_segments + 1, len(sections)) - 1)]
print("sung:", " / ".join(sung))
if not sung:
    raise NameError("name 'raw_output' is not defined")
fault = fault_in(" ".join(sung))
penalty = str(args.repetition_penalty).replace(".", "@")
name = f"{genres.replace(' ', '-').replace('.', '@')}_tp0@93_T1@0_rp{penalty}_maxtk{args.max_new_tokens}_{uuid.uuid4()}"
for track in ("vtrack", "itrack"):
    os.makedirs(os.path.join(args.output_dir, "stage1"), exist_ok=True)
    with open(os.path.join(args.output_dir, "stage1", f"{name}_{track}.npy"), "wb"):
        pass
    give(os.path.join(args.output_dir, "recons", f"{name}_{track}.mp3"), channels=1)
    give(os.path.join(args.output_dir, "vocoder", "stems", f"{track}.mp3"), channels=1)
give(os.path.join(args.output_dir, "recons", "mix", f"{name}_mixed.mp3"), channels=1)
give(os.path.join(args.output_dir, "vocoder", "mix", f"{name}_mixed.mp3"), fault, channels=1)
give(os.path.join(args.output_dir, f"{name}_mixed.mp3"), fault, channels=1)
