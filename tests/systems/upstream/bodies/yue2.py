"""Stands for YuE2's ``yue2.cli``: its request, its folder for each song, what it prints at the end."""

import json
import pathlib
import sys

from .program import arguments, fault_in, give

KNOWN = {"style", "tags", "lyrics", "cot", "seed", "abc", "abc_path", "cfg_scale", "id"}
TIMING = {
    "abc": {"seconds": 1.5},
    "semantic": {"seconds": 2.0},
    "nar_seconds": 0.25,
    "vae_seconds": 0.25,
    "load": {},
    "e2e_seconds": 9.0,
}
EXAMPLE = {"id": "first_song", "style": "Mandarin", "lyrics": "[Verse]\nla la"}


def sing(data):
    """One song in its folder."""
    if set(data) - KNOWN:
        raise ValueError(f"Unknown request fields: {sorted(set(data) - KNOWN)}")
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
    (folder / "result.json").write_text(json.dumps({"truncated": truncated, "timing": TIMING}, indent=2))
    print(json.dumps({"status": "complete", "output": str(folder), "truncated": truncated, "seconds": 71.04}))


args = arguments()
for folder in (args.model, args.vae):
    assert pathlib.Path(folder).is_dir(), f"no {folder}"
if args.command == "generate":
    sing(json.loads(pathlib.Path(args.request).read_text()) if args.request else EXAMPLE)
else:
    songs = [json.loads(line) for line in pathlib.Path(args.input).read_text().splitlines() if line.strip()]
    failed = 0
    for song in songs:
        try:
            sing(song)
        except Exception:
            failed += 1
    sys.exit(int(failed > 0))
