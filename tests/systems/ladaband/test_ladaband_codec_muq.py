"""MuCodec's encoder against MuQ's own package and torchaudio, with the same random weights."""

import pytest
import torch
from ladaband_codec_cases import SMALL

from songbench.resources.cpu_imports import mend_cpu_imports
from systems.ladaband.codec.half_rate import halved_rate
from systems.ladaband.codec.loading import MuCodecFiles, load_encoder
from systems.ladaband.config import CodecConfig
from systems.music_encoders.log_mel import log_mel

pytestmark = pytest.mark.slow  # imports transformers and torchaudio


def sound(samples: int) -> torch.Tensor:
    return 0.3 * torch.randn(2, samples, generator=torch.Generator().manual_seed(0))


def test_rate_and_spectrogram_are_those_of_torchaudio():
    mend_cpu_imports()
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram, Resample

    config = CodecConfig()
    expected = Resample(48_000, 24_000)(sound(100_001))
    halved = halved_rate(sound(100_001))
    torch.testing.assert_close(halved, expected, atol=1e-6, rtol=0)
    bands = MelSpectrogram(24_000, n_fft=config.mel_fft, hop_length=config.mel_hop, n_mels=config.mel_bands)(expected)
    decibels = AmplitudeToDB()(bands)[..., :-1]
    torch.testing.assert_close(log_mel(halved, config.encoder), (decibels - config.mel_mean) / config.mel_deviation)


def test_hidden_state_is_that_of_the_package(tmp_path):
    mend_cpu_imports()
    from muq.muq.models.muq_model import MuQModel
    from torchaudio.transforms import Resample
    from transformers import Wav2Vec2ConformerConfig

    conformer = Wav2Vec2ConformerConfig(
        hidden_size=SMALL.feature_dim,
        num_attention_heads=SMALL.encoder_heads,
        intermediate_size=SMALL.encoder_feed_forward,
        hidden_act="swish",
        position_embeddings_type="rotary",
        conv_depthwise_kernel_size=SMALL.encoder_kernel,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    ).to_dict()
    torch.manual_seed(0)
    package = MuQModel(
        n_mels=128,
        conv_dim=SMALL.encoder_channels,
        encoder_dim=SMALL.feature_dim,
        encoder_depth=SMALL.encoder_layers,
        codebook_size=64,
        stat={"melspec_2048_mean": SMALL.mel_mean, "melspec_2048_std": SMALL.mel_deviation},
        w2v2_config={key: value for key, value in conformer.items() if not isinstance(value, dict)},
    ).eval()
    for name, tensor in package.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and "inv_freq" not in name:
            tensor.add_(0.1 * torch.randn(tensor.shape))
    state = {f"model.{name}": tensor for name, tensor in package.state_dict().items()}
    torch.save({}, tmp_path / "mucodec.pt")
    torch.save({"args": None, "model": state, "cfg": {"task": "muq"}}, tmp_path / "muq.pt")
    files = MuCodecFiles(tmp_path / "mucodec.pt", tmp_path / "muq.pt", tmp_path / "audioldm_48k.pth")
    encoder = load_encoder(CodecConfig(**{**vars(SMALL), "mel_bands": 128}), files).eval()
    windows = sound(2 * (1920 * 20 + 480)).reshape(2, 2, -1)
    with torch.no_grad():
        hears = Resample(48_000, 24_000)(windows.mean(1))[:, : 960 * 20]
        expected = package.get_latent(hears, layer_ix=SMALL.encoder_level)
        torch.testing.assert_close(encoder(windows), expected, atol=1e-5, rtol=0)
