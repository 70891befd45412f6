"""Stands for HeartMuLa's ``run_music_generation.py``: lyrics by path or as they are, one song for each process."""

import os

from program import arguments, fault_in, give

args = arguments()
print("loading", args.model_path, args.version, args.mula_dtype, args.codec_dtype)
for name in ("tokenizer.json", "gen_config.json", f"HeartMuLa-oss-{args.version}", "HeartCodec-oss"):
    assert os.path.exists(os.path.join(args.model_path, name)), f"no {name}"


def text_of(argument):
    if os.path.isfile(argument):
        with open(argument, encoding="utf-8") as file:
            argument = file.read()
    return argument.lower()


lyrics = text_of(args.lyrics)
print("sung:", lyrics, "in the style", f"<tag>{text_of(args.tags)}</tag>")
give(args.save_path, fault_in(lyrics))
print(f"Generated music saved to {args.save_path}")
