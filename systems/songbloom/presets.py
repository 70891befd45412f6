"""The sizes of the released models and of the paper's, for training from scratch, benchmarks and tests.

A checkpoint's own files always win over these. Sources: `songbloom_full_150s.yaml`; for the 240 s model, whose file was
not at hand, a third party's account of it; for ``tiny``, arXiv 2506.07634, section 5.1. (The paper gives the full model
24 language-model layers, the released one has 36.)
"""

from __future__ import annotations

from dataclasses import replace

from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig, longest_seconds


def _preset(name: str, model: ModelConfig, seconds: float, diffusion_temperature: float = 0.95) -> SongBloomConfig:
    decoding = DecodingConfig(max_seconds=longest_seconds(seconds), diffusion_temperature=diffusion_temperature)
    return SongBloomConfig(
        name=f"songbloom_{name}",
        model=model,
        autoencoder=AutoencoderConfig(),
        decoding=decoding,
        trained_seconds=seconds,
    )


_FULL = ModelConfig()
_TINY = replace(_FULL, lm_layers=16, dit_layers=8)

TABLE_4 = {
    "H + C + S": _TINY,
    "H + C": replace(_TINY, dit_sketch=False),
    "H": replace(_TINY, dit_sketch=False, dit_context=False),
    "no sketch": replace(_TINY, sketch=False),
}
"""The models of the paper's table 4, by what the diffusion transformer reads: hidden vector, context, sketch.

For other sizes take the same switches: ``dit_sketch``, ``dit_context`` and ``sketch`` of `ModelConfig`.
"""

PRESETS = {
    "tiny": _preset("tiny", _TINY, 60.0),
    "full_150s": _preset("full_150s", _FULL, 150.0),
    "full_150s_dpo": _preset("full_150s_dpo", _FULL, 150.0),
    "full_240s": _preset("full_240s", replace(_FULL, lm_rotary_base=40000.0, lyrics_length=1000), 240.0, 0.9),
}
"""Configurations by the name of their variant."""
