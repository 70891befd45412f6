"""Beats and bars by Beat This!: against its package on one random checkpoint of small size, and by known times."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from accompaniments import answer, band, melody, silence, values_of, verdict_of
from placed_weights import setup_weights
from tiny_models import sound, stirred

from metrics.beats import BeatAgreement
from metrics.beats_reference import BEATS_BEAT_THIS, beats_beat_this
from metrics.features.beat_this import BEAT_THIS, BeatThisBeats, load_beat_this
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports

SIZES = {"transformer_dim": 16, "head_dim": 8, "stem_dim": 8, "n_layers": 1, "ff_mult": 2}
NO_PACKAGE = "the extra 'beats' (package beat_this) is not installed"
BEATS = np.arange(0.5, 40, 0.5)
"""120 beats per minute; every fourth one begins a bar."""


@pytest.fixture(scope="module")
def package():
    mend_cpu_imports()
    return pytest.importorskip("beat_this.inference", reason=NO_PACKAGE)


@pytest.fixture(scope="module")
def checkpoint(package):
    """As PyTorch Lightning saves one, with settings of training beside the sizes of the network."""
    import torch
    from beat_this.model.beat_tracker import BeatThis
    from beat_this.preprocessing import LogMelSpect

    network = stirred(BeatThis(**SIZES))
    spectrogram = LogMelSpect()(
        torch.from_numpy(np.concatenate([band(seconds=4).samples[0], melody(seconds=4).samples[0]]))
    )
    with torch.no_grad():  # so that half of the frames are above 0, whatever the weights
        linear = network.task_heads.beat_downbeat_lin
        logits = network(spectrogram[None])
        downbeat = logits["downbeat"][0]
        beat = logits["beat"][0] - downbeat
        linear.bias.sub_(torch.stack([beat.median(), downbeat.median()]))
        linear.weight.mul_(5 / downbeat.std())
        linear.bias.mul_(5 / downbeat.std())
    return {
        "epoch": 3,
        "pytorch-lightning_version": "2.2.1",
        "state_dict": {f"model.{name}": tensor for name, tensor in network.state_dict().items()},
        "hyper_parameters": {**SIZES, "spect_dim": 128, "lr": 8e-4, "pos_weights": {"beat": 13, "downbeat": 51}},
        "datamodule_hyper_parameters": {"length_based_oversampling_factor": 0.65, "augmentations": {}},
    }


@pytest.fixture(scope="module")
def tracker(checkpoint, tmp_path_factory):
    """The extractor on that checkpoint, and the path of its file."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("beat-this")
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        weights = setup_weights(BEAT_THIS, {"final0.ckpt": lambda path: torch.save(checkpoint, path)}, root)
        yield BeatThisBeats(weights), next(root.rglob("final0.ckpt"))


def tracked(tracker, *sources):
    return list(tracker[0].extract(sources))


@pytest.mark.parametrize(
    ("seconds", "rate", "channels"), [(1.0, 22_050, 1), (4.3, 44_100, 2), (31, 48_000, 2), (5, 8_000, 1)]
)
def test_beats_and_downbeats_are_those_of_the_package(package, tracker, seconds, rate, channels):
    source = sound(seconds, seed=3, rate=rate, channels=channels)
    (feature,) = tracked(tracker, source)
    signal = source.audio.samples.T.astype(np.float64)
    beats, downbeats = package.Audio2Beats(str(tracker[1]))(signal if channels > 1 else signal[:, 0], rate)
    assert len(beats) > 1 and len(downbeats) > 1, "the comparison has something to compare"
    np.testing.assert_array_equal(feature.arrays["times"], beats)
    np.testing.assert_array_equal(feature.arrays["downbeats"], downbeats)
    assert feature.data == {"seconds": source.audio.seconds}


def test_neighbours_do_not_matter(tracker):
    sources = sound(3, seed=1), MemoryAudio(silence(2)), sound(5, seed=2)
    alone = [tracked(tracker, source)[0] for source in sources]
    for neighbour, single in zip(tracked(tracker, *sources), alone, strict=True):
        np.testing.assert_array_equal(neighbour.arrays["times"], single.arrays["times"])
        np.testing.assert_array_equal(neighbour.arrays["downbeats"], single.arrays["downbeats"])


def test_what_cannot_be_heard_has_no_beats_and_what_cannot_be_read_fails_alone(tracker, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    silent, short, broken, audible = tracked(
        tracker, MemoryAudio(silence(2)), sound(0.5), AudioFile(tmp_path / "broken.wav"), sound(2)
    )
    assert silent.data["unheard"] == "silent" and short.data["unheard"] == "shorter than 1 s"
    assert not any(len(feature.arrays[name]) for feature in (silent, short) for name in ("times", "downbeats"))
    assert isinstance(broken, Failure) and broken.cause.startswith("beats: ")
    assert "unheard" not in audible.data


def test_the_metric_scores_what_the_tracker_finds(tracker):
    metric = BeatAgreement(card=BEATS_BEAT_THIS, tracker=tracker[0], downbeats=True)
    values = values_of(metric, band(), melody(), band())
    assert values["beat_f1_ref"] == values["downbeat_f1_ref"] == 100
    assert values["beat_f1_ref_chance"] < 100


def test_a_compiled_network_is_the_same_network(checkpoint, tracker, tmp_path):
    import torch

    names = {name.replace("model.", "model._orig_mod.", 1): tensor for name, tensor in checkpoint["state_dict"].items()}
    torch.save({**checkpoint, "state_dict": names}, tmp_path / "compiled.ckpt")
    compiled, plain = load_beat_this(tmp_path / "compiled.ckpt"), load_beat_this(tracker[1])
    assert all(torch.equal(one, other) for one, other in zip(compiled.parameters(), plain.parameters(), strict=True))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("model.task_heads.beat_downbeat_lin.bias"), "missing: task_heads.beat_downbeat_lin"),
        (lambda state: state.update({"model.more": state["model.frontend.linear.bias"]}), "unknown: more"),
        (lambda state: state["model.frontend.linear.bias"].fill_(float("nan")), "frontend.linear.bias"),
        (lambda state: state.update({"model.frontend.linear.bias": state["model.frontend.linear.weight"]}), "shape"),
    ],
)
def test_a_checkpoint_fits_whole_or_not_at_all(checkpoint, tmp_path, damage, message):
    import torch

    state = {name: tensor.clone() for name, tensor in checkpoint["state_dict"].items()}
    damage(state)
    torch.save({**checkpoint, "state_dict": state}, tmp_path / "a.ckpt")
    with pytest.raises(SongbenchError, match=message):
        load_beat_this(tmp_path / "a.ckpt")


class Bait:
    """A pickle that would write a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_checkpoint_is_opened_without_running_what_it_holds(tmp_path):
    import torch

    torch.save({"state_dict": {}, "hyper_parameters": Bait(tmp_path / "taken")}, tmp_path / "bait.ckpt")
    (tmp_path / "bait.pickle").write_bytes(pickle.dumps(Bait(tmp_path / "taken"), protocol=2))
    for name in ("bait.ckpt", "bait.pickle"):
        with pytest.raises(InputError, match="no checkpoint of Beat This!"):
            load_beat_this(tmp_path / name)
    assert not (tmp_path / "taken").exists()


def test_other_files_are_told_apart(tmp_path):
    import torch

    torch.save({"state_dict": {}}, tmp_path / "bare.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    (tmp_path / "text.ckpt").write_text("<html>not found</html>")
    (tmp_path / "empty.ckpt").write_bytes(b"")
    for name in ("bare", "list", "text", "empty"):
        with pytest.raises(InputError, match=rf"(?s){name}\.ckpt|no checkpoint of Beat This!"):
            load_beat_this(tmp_path / f"{name}.ckpt")


class KnownBeats:
    """Beats and downbeats that are known: of each source those that were planted for it (an `Extractor`)."""

    name, identity = "beats", {"version": "known"}

    def __init__(self):
        self.planted = {}

    def plant(self, source, beats, downbeats):
        self.planted[source.digest] = Feature({"times": np.array(beats), "downbeats": np.array(downbeats)}, {})

    def extract(self, sources):
        for source in sources:
            feature = self.planted[source.digest]
            yield Feature(feature.arrays, {"seconds": source.load().seconds})


def scored(accompaniment, truth=(BEATS, BEATS[::4]), vocal=(BEATS, BEATS[::4])):
    """What the metric says of known times, each (beats, downbeats)."""
    tracker = KnownBeats()
    audio = [Audio(np.full((1, 40 * 800), level, np.float32), 800) for level in (0.1, 0.2, 0.3)]
    song = answer(*audio)
    tracker.plant(song.source, *accompaniment)
    tracker.plant(song.request.vocal, *vocal)
    tracker.plant(song.request.reference, *truth)

    class Known:
        def of(self, extractor, sources):
            return list(extractor.extract(sources))

    (verdict,) = BeatAgreement(card=BEATS_BEAT_THIS, tracker=tracker, downbeats=True).score([song], Known())
    return verdict


def test_the_true_beats_and_bars_have_100_percent_and_chance_less():
    values = scored((BEATS, BEATS[::4])).values
    assert set(values) == {field.name for field in BEATS_BEAT_THIS.fields}
    agreed = [values[f"{kind}_f1_{part}"] for kind in ("beat", "downbeat") for part in ("ref", "vocal")]
    assert agreed == [100] * 4 and values["beat_f1_ref_level"] == 100 and values["tempo"] == 120
    # one of twenty even shifts falls on a window of 0.14 s as often as it is wide, 28 % and 7 %, but for their number
    assert values["beat_f1_ref_chance"] == pytest.approx(28, abs=5)
    assert values["downbeat_f1_ref_chance"] == pytest.approx(7, abs=5)


def test_a_bar_that_is_counted_from_another_beat_has_all_beats_and_no_downbeat():
    values = scored((BEATS, BEATS[1::4])).values
    assert values["beat_f1_ref"] == 100 and values["downbeat_f1_ref"] == values["downbeat_f1_vocal"] == 0


def test_downbeats_stay_right_where_beats_are_counted_twice_as_slowly():
    values = scored((BEATS[::2], BEATS[::4])).values
    assert values["beat_f1_ref"] == pytest.approx(200 * 40 / (79 + 40)) and values["beat_f1_ref_level"] > 98
    assert values["downbeat_f1_ref"] == 100


def test_the_window_is_70_ms():
    assert scored((BEATS + 0.069, BEATS[::4] + 0.069)).values["downbeat_f1_ref"] == 100
    assert scored((BEATS + 0.071, BEATS[::4] + 0.071)).values["downbeat_f1_ref"] == 0


def test_truth_and_vocal_are_never_merged():
    values = scored((BEATS, BEATS[::4]), vocal=(BEATS + 0.25, BEATS[::4] + 0.25)).values
    assert (values["beat_f1_ref"], values["downbeat_f1_ref"]) == (100, 100)
    assert (values["beat_f1_vocal"], values["downbeat_f1_vocal"]) == (0, 0)


def test_f1_is_that_of_mir_eval():
    beat = pytest.importorskip("mir_eval.beat", reason="mir_eval, of requirements/dev-lock.txt, is not installed")
    rng = np.random.default_rng(5)
    truth, estimate = (np.sort(rng.uniform(0, 40, n)) for n in (90, 70))
    values = scored((estimate, estimate[::3]), truth=(truth, truth[::3])).values
    assert values["beat_f1_ref"] == pytest.approx(100 * beat.f_measure(truth, estimate))
    assert values["downbeat_f1_ref"] == pytest.approx(100 * beat.f_measure(truth[::3], estimate[::3]))


def test_fewer_than_two_are_nothing_to_compare_with_and_none_of_the_system_are_0():
    verdict = scored((BEATS, []), vocal=(BEATS, BEATS[:1]))
    assert verdict.values["downbeat_f1_ref"] == 0 and verdict.values["beat_f1_vocal"] == 100
    reason = "fewer than two downbeats were found in the vocal"
    assert verdict.missing == {"downbeat_f1_vocal": reason, "downbeat_f1_vocal_chance": reason}
    assert isinstance(scored((BEATS, BEATS[::4]), truth=([], []), vocal=([], [])), NotApplicable)


def test_silence_has_no_beats_and_0_percent(tracker):
    metric = BeatAgreement(card=BEATS_BEAT_THIS, tracker=tracker[0], downbeats=True)
    verdict = verdict_of(metric, silence(), melody(), band())
    assert verdict.values["beat_f1_ref"] == verdict.values["downbeat_f1_ref"] == 0
    assert verdict.missing["tempo"] == "no beats were found in the accompaniment"


def test_without_package_or_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    state = beats_beat_this().availability()
    assert state.reason == "the package 'beat_this' is not installed"
    assert state.cure == "pip install 'songbench[beats]'"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    state = beats_beat_this().availability()
    assert state.reason == "weights 'beat-this' (81 MB, MIT) are not here" and state.cure == "songbench setup beat-this"
    with pytest.raises(UnavailableError, match="songbench setup beat-this"):
        list(BeatThisBeats().extract([sound(1)]))


def test_the_card_says_what_it_is():
    card = beats_beat_this().card
    assert card.id == "beats@beat-this" and card.reference and card.tracks == ("v2a",) and card.needs == ("beat-this",)
    names = [field.name for field in card.fields]
    assert [name for name in names if name.startswith("downbeat")] == [
        *("downbeat_f1_ref", "downbeat_f1_ref_chance", "downbeat_f1_vocal", "downbeat_f1_vocal_chance"),
    ]
    assert all(field.direction == "none" for field in card.fields if field.name.endswith("_chance"))


def test_pieces_and_borders_are_the_package_s_own(package):
    from metrics.features.beat_this import BORDER, PIECE

    source = inspect.getsource(package.Spect2Frames.spect2frames)
    assert f"chunk_size={PIECE}" in source and f"border_size={BORDER}" in source and '"keep_first"' in source


def test_building_is_cheap():
    code = "import sys; from metrics.beats_reference import *; beats_beat_this(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
