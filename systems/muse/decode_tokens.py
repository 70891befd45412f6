"""Turns audio tokens into sound with MuCodec's own class, in MuCodec's folder and environment.

``python decode_tokens.py TOKENS.json OUT.wav``; the settings are those of ``infer/decode_audio.py`` in Muse, which
itself takes no tokens and no path, and chooses a GPU by its free memory whatever it is told.
"""

import json
import pathlib
import sys

LAYER = 7
STEPS = 50
WINDOW_SECONDS = 40.96
RATE = 48000


def main(tokens_file: str, out: str) -> None:
    """Decode the tokens of one file."""
    sys.path.insert(0, str(pathlib.Path.cwd()))
    import soundfile
    import torch
    from generate import MuCodec  # type: ignore[import-not-found]

    with open(tokens_file, encoding="utf-8") as file:
        tokens = json.load(file)
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    codec = MuCodec(model_path="ckpt/mucodec.pt", layer_num=LAYER, load_main_model=True, device=device)
    codes = torch.tensor(tokens, dtype=torch.long)[None, None]
    wave = codec.code2sound(
        codes, prompt=None, duration=WINDOW_SECONDS, guidance_scale=1.5, num_steps=STEPS, disable_progress=True
    )
    soundfile.write(out, wave.detach().cpu().numpy().T, RATE, subtype="FLOAT")


if __name__ == "__main__":
    main(*sys.argv[1:])
