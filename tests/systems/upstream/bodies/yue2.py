"""Stands for YuE2's ``yue2.cli``: its request, its folder for each song, what it prints at the end."""

import json
import pathlib

from .program import arguments, fault_in, give

KNOWN = {"style", "tags", "lyrics", "cot", "seed", "abc", "abc_path", "cfg_scale", "id"}
EXAMPLE = {"id": "first_song", "style": "Mandarin", "lyrics": "[Verse]\nla la"}

args = arguments()
assert args.command == "generate"
data = json.loads(pathlib.Path(args.request).read_text()) if args.request else EXAMPLE
if set(data) - KNOWN:
    raise ValueError(f"Unknown request fields: {sorted(set(data) - KNOWN)}")
for folder in (args.model, args.vae):
    assert pathlib.Path(folder).is_dir(), f"no {folder}"
folder = pathlib.Path(args.output or "runs/default") / data.get("id", "song")
if folder.exists() and any(folder.iterdir()):
    raise FileExistsError(f"Nonempty output {folder}; use --resume or a new output directory")
folder.mkdir(parents=True, exist_ok=True)
print("sung:", data["lyrics"].replace("\n", " / "), "in the style", data["style"])
try:
    give(folder / "audio.flac", fault_in(data["lyrics"]))
except ValueError as error:
    (folder / "failure.json").write_text(json.dumps({"status": "failed", "reason": str(error)}))
    raise
truncated = {"abc": False, "semantic": "for ever and ever" in data["lyrics"]}
(folder / "result.json").write_text(json.dumps({"status": "complete", "truncated": truncated}))
print(json.dumps({"status": "complete", "output": str(folder), "truncated": truncated, "seconds": 71.04}))
