"""Writes ``songformer.json``: what the authors' own code says of the case in ``songformer_cases.py``.

It runs in songbench's environment with ``x-transformers==2.4.14``, ``ema-pytorch==0.7.7``, ``einx==0.3.0`` and
loguru on the path, from checkouts of ``ASLP-lab/SongFormer`` at 139b2aa and ``minzwon/musicfm`` at b83ebed (the latter
in a folder named ``musicfm``, inside FOLDER)::

    PYTHONPATH=EXTRAS:FOLDER python tests/metrics/golden/make_songformer.py SONGFORMER

The authors' `process_audio` is called as it is; only the three models it finds are small ones.
"""

import json
import os
import sys
import tempfile
import types
import unittest.mock
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import songformer_cases as cases

from songbench.resources.cpu_imports import mend_cpu_imports


def _filled(model):
    state = model.state_dict()
    random_tensors = {
        name: torch.from_numpy(cases.tensor(name, value.shape)).to(value.dtype) for name, value in state.items()
    }
    fixed_tensors = {name: value for name, value in state.items() if _fixed(name)}
    model.load_state_dict({**random_tensors, **fixed_tensors})
    return model.eval()


def _fixed(name: str) -> bool:
    """What is computed rather than learnt, or is only there for training."""
    return any(part in name for part in ("mel_stft", "inv_freq", "num_batches_tracked", "quantizer"))


def _musicfm(folder: Path):
    from musicfm.model.musicfm_25hz import MusicFM25Hz
    from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import Wav2Vec2ConformerConfig

    config = Wav2Vec2ConformerConfig(**cases.SIZES["w2v2_config"])
    Wav2Vec2ConformerConfig.from_pretrained = lambda _: config
    statistics = folder / "msd_stats.json"
    statistics.write_text(json.dumps(cases.STATISTICS))
    sizes = {name: cases.SIZES[name] for name in ("conv_dim", "encoder_dim", "encoder_depth")}
    return _filled(MusicFM25Hz(**sizes, stat_path=statistics, model_path=None))


def _muq():
    from transformers import Wav2Vec2ConformerConfig

    from metrics.features.muq import build_muq

    conformer = json.loads(Wav2Vec2ConformerConfig(**cases.SIZES["w2v2_config"]).to_json_string(use_diff=False))
    return _filled(build_muq({**cases.SIZES, "stat": cases.STATISTICS, "w2v2_config": conformer}))


def main(repository: Path) -> None:
    mend_cpu_imports()
    evaluation = types.ModuleType("msaf.eval")  # of an evaluation that is not asked for; it does not import any more
    evaluation.compute_results = None
    page = unittest.mock.MagicMock()  # the authors' code makes a web page when it is imported
    sys.modules |= {"msaf": types.ModuleType("msaf"), "msaf.eval": evaluation, "gradio": page}
    with tempfile.TemporaryDirectory() as scratch:
        muq, musicfm = _muq(), _musicfm(Path(scratch))
        target = Path(__file__).with_name("songformer.json").absolute()
        os.chdir(repository)
        sys.path.insert(0, str(repository))
        import app
        import soundfile
        from models.SongFormer import Model
        from omegaconf import OmegaConf

        config = OmegaConf.load("configs/SongFormer.yaml")
        config.input_dim_raw = 4 * cases.WIDTH
        app.muq_model, app.musicfm_model, app.msa_model = muq, musicfm, _filled(Model(config))
        app.device = torch.device("cpu")
        file = Path(scratch) / "song.wav"
        soundfile.write(file, cases.song(), 24_000, subtype="FLOAT")
        logits, sections = app.process_audio(str(file))
        segments = app.rule_post_processing(sections)
        wave = torch.from_numpy(cases.song())[None]
        with torch.no_grad():
            hidden = musicfm.get_predictions(wave[:, : 12 * 24_000])[1][10][0]
    allowed = [0, 1, 2, 3, 4, 5, 6, 26]
    frames = np.unique(np.linspace(0, logits["boundary_logits"].shape[1] - 1, 31).astype(int))
    golden = {
        "hidden": {
            "shape": list(hidden.shape),
            "frames": [0, 7, 150, 299],
            "values": _rounded(hidden[[0, 7, 150, 299]]),
        },
        "frames": frames.tolist(),
        "count": logits["boundary_logits"].shape[1],
        "boundary": _rounded(logits["boundary_logits"][0, frames]),
        "labels": _rounded(logits["function_logits"][0, frames][:, allowed]),
        "segments": _segments(segments),
        "before joining": _segments(sections),
    }
    target.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")
    print(golden["segments"], golden["before joining"], target.stat().st_size, "bytes")


def _segments(sections: list) -> list:
    return [[label, start, end] for (start, label), (end, _) in pairwise(sections)]


def _rounded(values) -> list:
    return np.round(np.asarray(values, dtype=float), 6).tolist()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
