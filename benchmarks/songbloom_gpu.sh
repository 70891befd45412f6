#!/bin/bash
# SongBloom on a GPU in one short run (about ten minutes on an H100): equality with a CPU, then speed, into a folder.
#
#     benchmarks/songbloom_gpu.sh FOLDER
#
# FOLDER/tests.txt says what is equal; FOLDER/cuda.jsonl holds a line per measurement (device, seconds per music second
# at batch 1, 4, 16 and 32, share of the roofline), with torch.compile and without, and bfloat16 beside float32.
set -u
out=${1:?a folder for the results}
mkdir -p "$out"
export PYTHONPATH=${PYTHONPATH:-$PWD}
timeout 200 python -m pytest -q -m gpu tests/systems/songbloom/test_songbloom_gpu.py 2>&1 | tail -40 | tee "$out/tests.txt"
full=(--size full_150s --device cuda --precision bfloat16 --audio --patches 117 --out "$out/cuda.jsonl")
timeout 240 python benchmarks/songbloom_decode.py "${full[@]}" --batch 1,4,16,32
timeout 150 python benchmarks/songbloom_decode.py "${full[@]}" --batch 1,16 --compiled
timeout 60 python benchmarks/songbloom_decode.py --size full_150s --device cuda --parity --out "$out/cuda.jsonl"
