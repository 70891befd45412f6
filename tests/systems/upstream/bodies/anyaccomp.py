"""Stands for AnyAccomp's ``infer_from_folder.py``: a folder in, two folders out, errors printed and passed over."""

import argparse
import json
import os
import random
import struct
import time
import wave

parser = argparse.ArgumentParser()
parser.add_argument("--cfg_path", default="./config/flow_matching.json")
parser.add_argument("--checkpoint_path", default="./pretrained/flow_matching")
parser.add_argument("--vocoder_checkpoint_path", default="./pretrained/vocoder")
parser.add_argument("--vocoder_cfg_path", default="./config/vocoder.json")
parser.add_argument("--infer_dst", default="./example/output")
parser.add_argument("--input_folder", default="./example/input")
parser.add_argument("--n_timesteps", type=int, default=50)
parser.add_argument("--cfg", type=float, default=3)
parser.add_argument("--device", default="cuda")
parser.add_argument("--seed", type=int, default=1024)
args = parser.parse_args()
random.seed(args.seed)
for file in (args.cfg_path, args.checkpoint_path + "/pytorch_model.bin", "./pretrained/vq/pytorch_model.bin"):
    assert os.path.exists(file), "no " + file
for folder in ("accompaniment", "mixture"):
    os.makedirs(os.path.join(args.infer_dst, folder), exist_ok=True)
with open(os.path.join(args.infer_dst, "config.json"), "w") as file:
    json.dump(vars(args), file)


def seconds_of(path):
    with open(path, "rb") as file:
        data = file.read()
    channels, rate = struct.unpack("<HI", data[22:28])
    start = data.index(b"data")
    return struct.unpack("<I", data[start + 4 : start + 8])[0] / 4 / channels / rate


for name in os.listdir(args.input_folder):
    try:
        print("file:", name, flush=True)
        if "crash" in name:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if "killed" in name:
            os.kill(os.getpid(), 9)
        if "hang" in name:
            time.sleep(60)
        level = struct.pack("<h", random.randrange(1000, 9000))
        for folder in ("accompaniment", "mixture"):
            with wave.open(os.path.join(args.infer_dst, folder, name), "wb") as file:
                file.setparams((1, 2, 24000, 0, "NONE", ""))
                file.writeframes(level * round(24000 * seconds_of(os.path.join(args.input_folder, name))))
    except Exception as error:
        print(f"Error processing file {name}: {error}")
