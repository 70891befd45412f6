"""The small codec that tests and lessons use in place of MuCodec."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from songbench.domain.errors import InputError
from systems.ladaband.codec import Codec
from systems.ladaband.codec.blocks import BlockCodec, blocks_of


def song(seconds: float, seed: int = 0, channels: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.2 * torch.randn(channels, round(seconds * 48_000), generator=generator)


def own_codec(audio: torch.Tensor) -> BlockCodec:
    return BlockCodec.from_blocks(blocks_of(audio))


def decoded(codec: BlockCodec, ids: torch.Tensor, samples: int | None = None) -> torch.Tensor:
    return codec.decode(ids, torch.Generator(), samples)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.16])
def test_the_songs_whose_blocks_it_holds_come_back_sample_by_sample(seconds):
    audio = song(seconds)
    codec = own_codec(torch.cat([song(0.5, seed=1), audio], 1)[:, 24_000:])
    ids = codec.encode(audio)
    assert len(ids) == int(round(seconds * 48_000) // 1920) + 1
    assert torch.equal(decoded(codec, ids, audio.shape[1]), audio)
    assert decoded(codec, ids).shape == (2, len(ids) * 1920)


def test_equal_blocks_are_one_token():
    codec = own_codec(torch.zeros(2, 48_000))
    assert codec.vocabulary == 1
    assert isinstance(codec, Codec)


def test_k_means_finds_the_shapes_behind_songs_of_any_loudness():
    shapes = song(0.16)[:, : 4 * 1920].unflatten(1, (4, 1920)).transpose(0, 1)
    picks = torch.arange(40) % 4
    loudness = torch.tensor([0.25, 1.0]).repeat_interleave(20)
    blocks = shapes[picks] * loudness[:, None, None]
    codec = BlockCodec.from_k_means(blocks, rows=9, gains=2, generator=torch.Generator().manual_seed(0))
    assert codec.vocabulary == 18
    audio = blocks.transpose(0, 1).flatten(1)
    error = decoded(codec, codec.encode(audio), audio.shape[1]) - audio
    assert error.square().mean() < 0.1 * audio.square().mean()
    assert not decoded(codec, codec.encode(torch.zeros(2, 5000))).any()


def test_mono_codebooks_hear_the_mean_and_play_on_both_channels():
    audio = song(0.2, channels=1)
    codec = own_codec(audio)
    stereo = torch.cat([audio * 1.5, audio * 0.5])
    assert torch.equal(codec.encode(stereo), codec.encode(audio))
    assert torch.equal(decoded(codec, codec.encode(audio), audio.shape[1]), audio.expand(2, -1))


def test_songs_together_are_songs_alone():
    codec = own_codec(song(1.0))
    songs = [torch.tensor([1, 2, 3]), torch.tensor([4])]
    first, second = codec.decode_songs(songs, [torch.Generator()] * 2, [5000, None])
    assert torch.equal(first, decoded(codec, songs[0], 5000))
    assert torch.equal(second, decoded(codec, songs[1]))


def test_samples_that_are_none_count_as_silence():
    codec = own_codec(torch.cat([torch.zeros(2, 1920), song(0.2)], 1))
    assert codec.encode(torch.full((2, 3000), torch.nan)).tolist() == [0, 0]


def test_a_file_gives_the_same_codec(tmp_path):
    codec = BlockCodec(song(0.2)[:, :3840].reshape(2, 2, 1920), torch.tensor([0.5, 1.0]))
    again = BlockCodec.load(codec.save(tmp_path / "codec.safetensors"))
    assert torch.equal(again.codebook, codec.codebook)
    assert torch.equal(again.gains, codec.gains)


def test_the_example_of_the_documentation(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "ladaband.md").read_text(encoding="utf-8")
    section = page.split("\n## The codec\n")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(example, {"folder": tmp_path})
    assert (tmp_path / "blocks.safetensors").is_file()


class TestWhatItRefuses:
    def test_files_that_are_something_else(self, tmp_path):
        path = own_codec(song(0.1)).save(tmp_path / "codec.safetensors")
        tensors = load_file(path)
        form = {"format": "songbench block codec 1"}
        cases = {
            "another.safetensors": (tensors, {}, "its format is None"),
            "names.safetensors": ({"codebook": tensors["codebook"]}, form, "its tensors are codebook"),
            "shape.safetensors": (tensors | {"codebook": torch.zeros(2, 3, 1920)}, form, "field 'codebook'"),
            "nan.safetensors": (tensors | {"gains": torch.tensor([torch.nan])}, form, "field 'gains'"),
        }
        for name, (content, metadata, words) in cases.items():
            save_file(content, tmp_path / name, metadata=metadata)
            with pytest.raises(InputError, match=words) as caught:
                BlockCodec.load(tmp_path / name)
            assert name in str(caught.value)
        (tmp_path / "damaged.safetensors").write_bytes(path.read_bytes()[:100])
        with pytest.raises(InputError, match="cannot be read"):
            BlockCodec.load(tmp_path / "damaged.safetensors")
        with pytest.raises(InputError, match="cannot be read"):
            BlockCodec.load(tmp_path / "absent.safetensors")

    @pytest.mark.parametrize("shape", [(3, 100), (100,), (2, 0)])
    def test_audio_of_no_song(self, shape):
        with pytest.raises(InputError):
            own_codec(song(0.1)).encode(torch.zeros(shape))

    @pytest.mark.parametrize("ids", [torch.tensor([], dtype=torch.long), torch.tensor([99]), torch.tensor([0.5])])
    def test_what_are_no_tokens(self, ids):
        with pytest.raises(InputError, match="Tokens"):
            decoded(own_codec(song(0.1)), ids)

    def test_more_rows_than_blocks(self):
        with pytest.raises(InputError, match="3 blocks that are not silent"):
            BlockCodec.from_k_means(blocks_of(song(0.1)), rows=5, gains=1, generator=torch.Generator())
