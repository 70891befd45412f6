"""CLaMP 3 against a plain form of its authors' procedure on transformers' models, with small random checkpoints."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import Direct, as_json, planted, silence, song_of, sound, stirred, xlm_roberta

from metrics.clamp3 import CLAMP3_AUDIO, CLAMP3_TEXT, clamp3_saas, clamp3_saas_text
from metrics.condition_similarity import AudioSimilarity, TextSimilarity
from metrics.features import models
from metrics.features.clamp3 import Clamp3Vectors, pieces
from metrics.features.clamp3_encoder import CLAMP3, load_clamp3, segments
from metrics.features.mert import MERT_95M
from metrics.features.xlm_roberta import XLM_ROBERTA
from songbench.contracts.cards import ASPECTS
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import AudioFile
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.resources.cpu_imports import mend_cpu_imports

WIDTH, JOINT = 64, 48
STYLES = ("pop, piano, female vocal", "流行,钢琴", "a dark and slow song with drums " * 20)


class Upstream:
    """What the authors' scripts do, step by step, on transformers' own models."""

    def __init__(self, folder):
        import torch
        from transformers import BertConfig, BertModel, HubertConfig, HubertModel

        self.text_model, self.text_files = xlm_roberta(folder)
        self.folder = folder
        self.mert = stirred(
            HubertModel(
                HubertConfig(
                    hidden_size=WIDTH,
                    num_hidden_layers=3,
                    num_attention_heads=2,
                    intermediate_size=96,
                    conv_dim=(16,) * 7,
                    num_conv_pos_embeddings=16,
                    num_conv_pos_embedding_groups=4,
                    layer_norm_eps=1e-5,
                )
            )
        )
        sizes = BertConfig(
            vocab_size=1,
            hidden_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=WIDTH // 64,
            intermediate_size=4 * WIDTH,
            max_position_embeddings=128,
        )
        self.audio_model = stirred(BertModel(sizes), seed=1)
        self.audio_proj = stirred(torch.nn.Linear(WIDTH, JOINT), seed=2)
        self.text_proj = stirred(torch.nn.Linear(32, JOINT), seed=3)

    def state(self):
        parts = ("text_model", "text_proj", "audio_model", "audio_proj")
        tensors = {
            f"{part}.{name}": tensor for part in parts for name, tensor in getattr(self, part).state_dict().items()
        }
        symbolic = {f"symbolic_model.base.{name}": tensor for name, tensor in self.audio_model.state_dict().items()}
        return tensors | symbolic | {"symbolic_proj.weight": self.audio_proj.weight.detach()}

    def audio(self, source):
        """The vector of audio at 24 kHz."""
        import torch

        wave = source.audio.mono().samples[0]
        wave = torch.from_numpy((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7))
        parts = [part for part in wave.split(5 * 24_000) if len(part) >= 24_000]
        with torch.inference_mode():
            states = [torch.stack(self.mert(part[None], output_hidden_states=True).hidden_states) for part in parts]
            frames = torch.stack([one.mean(dim=(0, 1, 2)) for one in states])
            edge = torch.zeros(1, WIDTH)
            return self.joint(
                torch.cat([edge, frames, edge]), lambda x: self.audio_model(inputs_embeds=x), self.audio_proj
            )

    def text(self, text):
        import torch
        from transformers import XLMRobertaTokenizerFast

        tokens = XLMRobertaTokenizerFast.from_pretrained(self.folder)(text, return_tensors="pt").input_ids[0]
        with torch.inference_mode():
            return self.joint(tokens, self.text_model, self.text_proj)

    def joint(self, inputs, encoder, projection):
        parts = list(inputs.split(128))
        weights = [len(part) for part in parts]
        parts[-1] = inputs[-128:]
        vectors = [projection(encoder(part[None]).last_hidden_state.mean(dim=1))[0] for part in parts]
        return sum(w * v for w, v in zip(weights, vectors, strict=True)).numpy() / sum(weights)


@pytest.fixture(scope="module")
def authors(tmp_path_factory):
    """The authors' procedure, and the extractor on songbench's copy of the checkpoints."""
    mend_cpu_imports()
    import torch

    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("clamp3")
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        upstream = Upstream(root / "xlm-roberta-base")
        content = {"model": upstream.state(), "epoch": 1, "optimizer": {"state": {0: torch.zeros(3)}}}
        config = json.loads(upstream.mert.config.to_json_string(use_diff=False))
        extractor = Clamp3Vectors(
            planted(CLAMP3, clamp3_saas_pth=lambda path: torch.save(content, path)),
            planted(
                MERT_95M,
                pytorch_model_bin=lambda path: torch.save(upstream.mert.state_dict(), path),
                config_json=as_json(config),
                preprocessor_config_json=as_json({"do_normalize": True, "sampling_rate": 24_000}),
            ),
            planted(XLM_ROBERTA, **upstream.text_files),
        )
        yield upstream, extractor


def cosine(first, second):
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def difference(vector, expected):
    return np.abs(vector - expected / np.linalg.norm(expected)).max()


@pytest.mark.parametrize("seconds", [1.0, 4.99, 5.5, 21.3])
def test_audio_is_heard_as_by_the_authors(authors, seconds):
    upstream, extractor = authors
    source = sound(seconds, seed=1)
    (feature,) = extractor.extract([source])
    assert feature.arrays["vectors"].shape == (1, JOINT)
    assert difference(feature.arrays["vectors"][0], upstream.audio(source)) < 1e-4


def test_a_quiet_passage_is_heard_at_the_level_it_has_in_the_song(authors):
    upstream, extractor = authors
    samples = sound(15, seed=2).audio.samples.copy()
    samples[:, : 5 * 24_000] *= 1e-3
    source = type(silence())(type(silence().audio)(samples, 24_000))
    (feature,) = extractor.extract([source])
    assert difference(feature.arrays["vectors"][0], upstream.audio(source)) < 1e-4


@pytest.mark.parametrize("style", STYLES)
def test_a_text_is_read_as_by_the_authors(authors, style):
    upstream, extractor = authors
    (vector,) = extractor.texts([style])
    assert difference(vector, upstream.text(style)) < 1e-5


def test_lines_are_joined_in_their_order(authors):
    _, extractor = authors
    (lines,) = extractor.texts(["pop\nrock\n\npop"])
    (joined,) = extractor.texts(["pop</s>rock"])
    assert np.array_equal(lines, joined)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 256, 300])
def test_long_inputs_are_cut_as_by_the_authors(authors, count):
    import torch

    upstream, extractor = authors
    frames = np.random.default_rng(count).standard_normal((count, WIDTH)).astype(np.float32)
    with torch.inference_mode():
        edge = torch.zeros(1, WIDTH)
        inputs = torch.cat([edge, torch.from_numpy(frames), edge])
        expected = upstream.joint(inputs, lambda x: upstream.audio_model(inputs_embeds=x), upstream.audio_proj)
    assert np.abs(extractor._encoders().audio(frames) - expected).max() < 1e-4
    feature = list(segments(count + 2))
    assert sum(weight for _, _, weight in feature) == count + 2 and feature[-1][1] == count + 2


def test_pieces():
    lengths = lambda seconds: [len(one) / 24_000 for one in pieces(np.zeros(round(seconds * 24_000)))]  # noqa: E731
    assert lengths(1) == [1] and lengths(5.99) == [5] and lengths(6) == [5, 1] and lengths(14) == [5, 5, 4]


def test_scores_are_cosines_of_the_authors_vectors(authors):
    upstream, extractor = authors
    reference = sound(12, seed=3)
    song, prompt = sound(17, seed=4), type(reference)(reference.audio.cut(0, 10))
    songs = [song_of(song, prompt, reference, style=STYLES[0]), song_of(prompt, prompt, style=STYLES[1])]
    features = Direct()
    vector, copy = AudioSimilarity(CLAMP3_AUDIO, extractor).score(songs, features)
    assert len(features.calls) == 1
    expected = [upstream.audio(one) for one in (song, prompt, reference)]
    assert vector.values["clamp3"] == pytest.approx(cosine(expected[0], expected[1]), abs=1e-5)
    assert vector.values["clamp3_self"] == pytest.approx(cosine(expected[2], expected[1]), abs=1e-5)
    assert set(vector.values) == {field.name for field in CLAMP3_AUDIO.fields}
    assert copy.values["clamp3"] == pytest.approx(1) and "clamp3_self" not in copy.values
    read, _ = TextSimilarity(CLAMP3_TEXT, extractor).score(songs, Direct())
    assert read.values["clamp3_text"] == pytest.approx(cosine(expected[0], upstream.text(STYLES[0])), abs=1e-5)
    assert set(read.values) == {field.name for field in CLAMP3_TEXT.fields}


def test_any_rate_is_resampled_as_torchaudio_does_and_level_means_nothing(authors):
    import torch
    import torchaudio

    _, extractor = authors
    source = sound(6.3, seed=5, rate=44_100, channels=2)
    mono = torch.from_numpy(source.audio.samples).mean(dim=0, keepdim=True)
    plain = torchaudio.transforms.Resample(44_100, 24_000)(mono).numpy()
    memory, audio = type(source), type(source.audio)
    sources = [source, memory(audio(plain, 24_000)), memory(audio(0.1 * source.audio.samples, 44_100))]
    first, *rest = (one.arrays["vectors"] for one in extractor.extract(sources))
    assert all(np.abs(first - other).max() < 1e-4 for other in rest)


def test_odd_songs(authors, tmp_path):
    import soundfile

    _, extractor = authors
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.1, np.nan] * 20_000), 24_000, subtype="FLOAT")
    odd = [silence(), sound(0.3), AudioFile(broken), sound(3, rate=8_000), sound(3, rate=44_101)]
    prompt = sound(6, seed=9)
    songs = [song_of(one, prompt, style="rock") for one in odd] + [song_of(prompt)]
    by_audio = list(AudioSimilarity(CLAMP3_AUDIO, extractor).score(songs, Direct()))
    by_text = list(TextSimilarity(CLAMP3_TEXT, extractor).score(songs, Direct()))
    for feature in (by_audio, by_text):
        assert feature[:2] == [NotApplicable("the song is silent"), NotApplicable("the song is shorter than 1 s")]
        assert isinstance(feature[2], Failure) and "NaN" in feature[2].cause
        assert all(isinstance(one, Scores) for one in feature[3:5])
        assert isinstance(feature[5], NotApplicable)
    alone = [next(AudioSimilarity(CLAMP3_AUDIO, extractor).score([song], Direct())) for song in songs[3:5]]
    assert [one.values for one in alone] == [pytest.approx(one.values, abs=1e-5) for one in by_audio[3:5]]


@pytest.mark.slow
def test_twenty_minutes_are_heard_whole(authors):
    upstream, extractor = authors
    source = sound(1200, seed=6)
    (feature,) = extractor.extract([source])
    assert difference(feature.arrays["vectors"][0], upstream.audio(source)) < 1e-4


def test_the_checkpoint_must_fill_the_model(authors, tmp_path):
    import torch

    upstream, extractor = authors
    text = models.require(extractor.text)

    def load(**change):
        changed = {name: tensor for name, tensor in (upstream.state() | change).items() if tensor is not None}
        torch.save({"model": changed}, tmp_path / "clamp3_saas.pth")
        return load_clamp3(tmp_path, text, torch.device("cpu"))

    with pytest.raises(SongbenchError, match=r"missing: audio_model.encoder.layer.1.output.dense.bias"):
        load(**{"audio_model.encoder.layer.1.output.dense.bias": None})
    with pytest.raises(SongbenchError, match=r"missing: audio_proj.weight"):
        load(**{"audio_proj.weight": None})
    with pytest.raises(SongbenchError, match="unknown: surplus"):
        load(surplus=torch.zeros(1))
    load(**{"text_model.embeddings.position_ids": torch.arange(514)[None]})


def test_cards(monkeypatch, tmp_path):
    assert (CLAMP3_AUDIO.id, CLAMP3_TEXT.id) == ("clamp3@clamp3-saas", "clamp3@clamp3-saas-text")
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    for metric in (clamp3_saas(), clamp3_saas_text()):
        assert isinstance(metric, SongMetric) and isinstance(metric.embedding, Extractor)
        card = metric.card
        assert card.reference and set(card.hears) <= set(ASPECTS)
        assert card.needs == ("clamp3-saas", "mert-v1-95m", "xlm-roberta-base") and "CC BY-NC" in card.licence
        assert metric.availability().cure == "songbench setup clamp3-saas"
    with pytest.raises(UnavailableError, match="songbench setup mert-v1-95m --accept-licence"):
        list(clamp3_saas().score([song_of(sound(2), sound(2))], Direct()))


def test_building_is_cheap():
    code = "import sys; from metrics.clamp3 import *; clamp3_saas(), clamp3_saas_text(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
