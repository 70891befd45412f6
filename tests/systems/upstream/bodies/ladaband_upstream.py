"""Stands for LaDA-Band's ``codes/infer.py``: its parser, files it looks for, failures with exit code 0."""

import argparse
import hashlib
import json
import logging
import os
import struct
import time
import wave
from pathlib import Path

parser = argparse.ArgumentParser()
for name, kind, default in (
    *(("model_fp", str, None), ("config", str, None), ("output_dir", str, None), ("ref_audio_duration", float, -1)),
    *(("top_k", int, 100), ("top_p", float, 0.9), ("sampling_steps", int, 60), ("seed", int, 13)),
    *(("remask_strategy", str, "low_confidence"), ("remask_schedule", str, "cosine"), ("temperature", float, 1.0)),
    *(("mask_temperature", float, 10.5), ("decode_mode", str, None), ("save_format", str, "mp3")),
    *(("global_ref", str, None), ("global_text", str, None)),
):
    parser.add_argument("--" + name, type=kind, default=default)
parser.add_argument("--seg_time", nargs=2, type=float, required=True)
parser.add_argument("--acc_only", action="store_true")
for name in ("vocal_fps", "texts", "ref_audios"):
    parser.add_argument("--" + name, nargs="+")
args, rest = parser.parse_known_args()
if rest:
    parser.error("unknown: " + " ".join(rest))
assert args.acc_only and args.save_format == "wav" and args.seg_time == [0, -1]
assert os.path.basename(os.getcwd()) == "codes" and os.path.isfile(args.config), "not in the folder of the code"
root = Path(os.environ["LADA_PRETRAINED_ROOT"])
for file in (
    *("MERT-v1-95M/modeling_MERT.py", "MERT-v1-95M/config.json", "mucodec/mucodec.pt", "mucodec/muq.pt"),
    *("mucodec/audioldm_48k.pth", "hub/models--xlm-roberta-base/refs/main"),
):
    assert (root / file).exists(), f"no {file}"
assert list((root / "clamp3").glob("weights_clamp3_saas_h_size_768*_p_length_512.pth")), "no CLaMP 3"
assert os.path.exists(args.model_fp), "no checkpoint"
print("model loaded", flush=True)

out = Path(args.output_dir)
for folder in ("generated_acc", "vocal_segments", "reference_segments"):
    (out / folder).mkdir(parents=True)
records = []
for number, vocal in enumerate(args.vocal_fps):
    song, text = Path(vocal).stem, (args.texts or [""])[number]
    reference = args.ref_audios[number] if args.ref_audios else None
    record = {"voc_songid": song, "generated_fp": None, "generation_time_seconds": None, "status": "failed"}
    try:
        print("text:", text, flush=True)
        if "crash" in song:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        if "killed" in song:
            os.kill(os.getpid(), 9)
        if "hang" in song:
            time.sleep(60)
        assert reference is None or os.path.isfile(reference)
        data = Path(vocal).read_bytes()
        channels, rate = struct.unpack("<HI", data[22:28])
        start = data.index(b"data")
        frames = struct.unpack("<I", data[start + 4 : start + 8])[0] / 4 / channels
        level = hashlib.blake2b(f"{args.seed}|{song}".encode(), digest_size=2).digest()[0] * 64 + 64
        condition = "audio" if reference else "text" if text else "none"
        label = Path(reference).stem if reference else text[:20].replace(" ", "_") or "none"
        name = f"model_{Path(args.model_fp).name}_voc={song.split('.')[0]}_start=0_cond_{condition}={label}_tm_123.wav"
        with wave.open(str(out / "generated_acc" / name), "wb") as file:
            file.setparams((2, 2, 48000, 0, "NONE", ""))
            file.writeframes(struct.pack("<hh", level, -level) * (round(frames / rate * 48000) + 1920))
        record.update(generated_fp=str(name), generation_time_seconds=0.25, status="success")
    except Exception:
        logging.exception("failed: %s", song)
    records.append(record)
(out / "generation_results_20260101_000000.json").write_text(json.dumps(records, indent=2))
