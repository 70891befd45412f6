"""Sketch tokens by features and a codebook: what the features hear, which row a frame gets, what a file says."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.songbloom.training.tokenizer import clusters
from systems.songbloom.training.tokenizer.clusters import code_usage, train_codebook
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer, load_tokenizer, nearest_rows
from systems.songbloom.training.tokenizer.contract import SketchTokenizer
from systems.songbloom.training.tokenizer.mel import BANDS, MelFeatures


def tones(*frequencies: float, rate: int = 24_000, seconds: float = 1.0) -> Audio:
    """One tone after another, each so many seconds long."""
    time = np.arange(round(rate * seconds)) / rate
    samples = np.concatenate([0.5 * np.sin(2 * np.pi * frequency * time) for frequency in frequencies])
    return Audio(samples.astype(np.float32)[None], rate)


def test_mel_features_know_when_and_where_a_tone_sounds() -> None:
    vectors = MelFeatures().vectors(tones(220, 3520), frames=50)
    assert vectors.shape == (50, BANDS)
    low, high = vectors[:24].mean(dim=0).argmax(), vectors[26:].mean(dim=0).argmax()
    assert low < high
    assert (vectors[:24].argmax(dim=1) == low).all()
    assert (vectors[26:].argmax(dim=1) == high).all()


def test_mel_features_do_not_depend_on_the_rate_of_the_file() -> None:
    at_24, at_48 = (MelFeatures().vectors(tones(440, 880, rate=rate), frames=40) for rate in (24_000, 48_000))
    assert (at_24 - at_48).abs().max() < 0.7  # the resampler's own edges, in decades of power
    assert (at_24 - at_48).abs().median() < 0.01


@pytest.mark.parametrize("samples", [1, 100, 2047, 2048, 5001])
@pytest.mark.parametrize("frames", [1, 3])
def test_mel_features_of_any_length(samples: int, frames: int) -> None:
    audio = Audio(np.full((2, samples), 0.1, dtype=np.float32), 24_000)
    vectors = MelFeatures().vectors(audio, frames)
    assert vectors.shape == (frames, BANDS)
    assert torch.isfinite(vectors).all()


def test_the_nearest_row_is_the_nearest() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors, codebook = torch.randn(3000, 6, generator=generator), torch.randn(17, 6, generator=generator)
    rows, distances = nearest_rows(vectors, codebook)
    expected = torch.cdist(vectors.double(), codebook.double()).square()
    assert torch.equal(rows, expected.argmin(dim=1))
    torch.testing.assert_close(distances.double(), expected.amin(dim=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["kmeans", "ema"])
def test_both_methods_find_the_clusters_and_leave_no_row_unused(method) -> None:
    generator = torch.Generator().manual_seed(1)
    centres = 10 * torch.randn(12, 4, generator=generator)
    vectors = (centres.repeat(50, 1) + 0.01 * torch.randn(600, 4, generator=generator)).float()
    codebook = train_codebook(vectors, 12, 3, method)
    usage = code_usage(vectors, codebook)
    assert usage.dead == 0
    if method == "kmeans":
        assert usage.error < 1e-3
        assert usage.entropy == pytest.approx(np.log2(12), abs=1e-6)
        assert usage.commonest == pytest.approx(1 / 12)
    assert torch.equal(codebook, train_codebook(vectors, 12, 3, method))


def test_moving_averages_are_those_of_their_definition(monkeypatch) -> None:
    """Against the recursion written out row by row, without refills."""
    monkeypatch.setattr(clusters, "_CHUNK", 4)
    monkeypatch.setattr(clusters, "_FEWEST_CHUNKS", 2)
    monkeypatch.setattr(clusters, "_REFILLS", 0)
    vectors = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [13.0], [14.0]])
    generator = torch.Generator().manual_seed(5)
    rows = vectors[torch.randperm(8, generator=generator)[:3], 0].tolist()
    sums, counts = list(rows), [1.0, 1.0, 1.0]
    for chunk in torch.randperm(8, generator=generator).split(4):
        parts = [[], [], []]
        for value in vectors[chunk, 0].tolist():
            parts[min(range(3), key=lambda row: abs(rows[row] - value))].append(value)
        for row, part in enumerate(parts):
            sums[row] = 0.99 * sums[row] + 0.01 * sum(part)
            counts[row] = 0.99 * counts[row] + 0.01 * len(part)
        rows = [total / count for total, count in zip(sums, counts, strict=True)]
    codebook = train_codebook(vectors, 3, 5, "ema")
    torch.testing.assert_close(codebook[:, 0], torch.tensor(rows), rtol=1e-6, atol=1e-6)


def test_fewer_frames_than_codes_are_refused() -> None:
    with pytest.raises(InputError, match="5 different frames cannot make 8 codes"):
        train_codebook(torch.eye(5).repeat(4, 1), 8)


def test_a_saved_tokenizer_gives_the_same_tokens(tmp_path) -> None:
    audio = tones(220, 440, 880, 1760)
    features = MelFeatures()
    tokenizer = CodebookTokenizer(features, train_codebook(features.vectors(audio, 100), 4))
    tokenizer.save(tmp_path / "codes.safetensors", {"songs": "1"})
    loaded = load_tokenizer(tmp_path / "codes.safetensors")
    assert isinstance(loaded, SketchTokenizer)
    assert (loaded.name, loaded.vocabulary, loaded.digest) == ("mel, 4 codes", 4, tokenizer.digest)
    tokens = loaded.tokens(audio, 100)
    assert torch.equal(tokens, tokenizer.tokens(audio, 100))
    assert tokens.dtype == torch.int64
    steady = [tokens[start : start + 20].unique() for start in (2, 27, 52, 77)]
    assert [len(part) for part in steady] == [1, 1, 1, 1]
    assert len(torch.cat(steady).unique()) == 4
    shift = CodebookTokenizer(features, tokenizer.codebook + 1)
    assert shift.digest != tokenizer.digest


def test_files_that_are_no_tokenizer(tmp_path) -> None:
    with pytest.raises(InputError, match="no such codebook"):
        load_tokenizer(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("codes")
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(tmp_path / "text.safetensors")
    save_file({"weight": torch.zeros(2, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"holds weight, not 'codebook\.weight' alone"):
        load_tokenizer(tmp_path / "other.safetensors")
    save_file({"codebook.weight": torch.zeros(2, 80)}, tmp_path / "bare.safetensors")
    with pytest.raises(InputError, match="does not say which features"):
        load_tokenizer(tmp_path / "bare.safetensors")
    assert load_tokenizer(tmp_path / "bare.safetensors", "mel").vocabulary == 2
    save_file({"codebook.weight": torch.zeros(2, 3)}, tmp_path / "narrow.safetensors")
    with pytest.raises(InputError, match=r"narrow.safetensors.*does not fit the features 'mel'"):
        load_tokenizer(tmp_path / "narrow.safetensors", "mel")
    with pytest.raises(InputError, match="Did you mean 'mel'"):
        load_tokenizer(tmp_path / "bare.safetensors", "mell")
