"""Runs in the environment ``tunejury``: TuneJury's reward, as its authors scored whole collections of tracks.

CLAP hears the 10 s in the middle, MERT all of the song in parts of 300 s, and the text is empty (a vector of zeros).
That is the procedure of their ``scripts/score_release_collection.py``; for up to 10 s it is their ``Scorer.score``.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

CLAP_RATE, CLAP_SECONDS = 48_000, 10
MERT_RATE, MERT_SECONDS = 24_000, 300
TEXT_WIDTH = 512
CLAP_FILE = "music_audioset_epoch_15_esc_90.14.pt"


class Worker:
    """Scores files one by one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        upstream, weights = settings["upstream"], settings["weights"]
        sys.dont_write_bytecode = True  # nothing is written into the checkout
        sys.path.insert(0, upstream)
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        runpy.run_path(settings["cpu_imports"])["mend_cpu_imports"]()
        _load_mert_from(weights["mert-v1-330m"])
        _stand_in_for_text()
        from tunejury import Scorer  # type: ignore[import-not-found]

        head, clap = Path(upstream, "checkpoints", "tunejury.pt"), Path(weights["clap-laion-music"], CLAP_FILE)
        self._scorer = Scorer.from_pretrained(str(head), clap_ckpt_path=str(clap))

    def rate(self, file: str) -> dict[str, Any]:
        """The reward of a song; only differences between songs mean something."""
        import soundfile
        import torch
        import torchaudio

        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        mono = torch.from_numpy(samples.mean(axis=1))
        with torch.inference_mode():
            clap = self._clap(torchaudio.functional.resample(mono, rate, CLAP_RATE))
            mert = self._mert(torchaudio.functional.resample(mono, rate, MERT_RATE))
            features = torch.cat([clap, mert, torch.zeros(TEXT_WIDTH)])[None]
            reward = self._scorer.head(features.to(self._scorer.device)).item()
        return {"values": {"tunejury": float(reward)}}

    def _clap(self, wave: Any) -> Any:
        """The embedding, shape (512,), of the middle of mono samples at 48 kHz, shape (n,)."""
        import torch

        length = CLAP_SECONDS * CLAP_RATE
        start = max(0, (len(wave) - length) // 2)
        middle = wave[None, start : start + length].numpy()
        embedded = self._scorer.clap_model.get_audio_embedding_from_data(x=middle, use_tensor=False)
        return torch.tensor(embedded[0], dtype=torch.float32).flatten()

    def _mert(self, wave: Any) -> Any:
        """The mean of the last layer's frames, shape (1024,), of mono samples at 24 kHz, shape (n,)."""
        import torch

        length = MERT_SECONDS * MERT_RATE
        starts = list(range(0, len(wave), length))
        if len(starts) > 1 and len(wave) - starts[-1] < MERT_RATE:
            starts.pop()  # less than a second belongs to the part before
        total, frames = torch.zeros(1), 0
        for start, end in zip(starts, [*starts[1:], len(wave)], strict=True):
            inputs = self._scorer.mert_processor(wave[start:end].numpy(), sampling_rate=MERT_RATE, return_tensors="pt")
            states = self._scorer.mert_model(**inputs.to(self._scorer.device)).last_hidden_state[0]
            total, frames = total + states.sum(dim=0).float().cpu(), frames + len(states)
        return total / frames


def _load_mert_from(folder: str) -> None:
    """Have transformers read MERT, which it would fetch, from a folder."""
    import transformers

    for name in ("AutoModel", "Wav2Vec2FeatureExtractor"):
        kind: Any = getattr(transformers, name)
        load = kind.from_pretrained
        kind.from_pretrained = lambda _, load=load, **options: load(folder, **options)


def _stand_in_for_text() -> None:
    """CLAP's text side without the hub: no tokenizers, and a RoBERTa that gets every tensor from the checkpoint."""
    import transformers

    for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
        getattr(transformers, name).from_pretrained = classmethod(lambda cls, *_, **__: None)
    base = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    config: Any = transformers.RobertaConfig
    roberta: Any = transformers.RobertaModel
    roberta.from_pretrained = classmethod(lambda cls, *_, **__: cls(config(**base)))
