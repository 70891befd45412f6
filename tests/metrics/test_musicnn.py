"""The checkpoint reader, the network and the embedding."""

import numpy as np
import pytest

from metrics.features import musicnn
from metrics.features.musicnn import MUSICNN, PATCH_SECONDS, TAG_NAMES, MusicnnEmbedding, at_one_loudness, mel_patches
from metrics.features.tensor_bundle import read_tensor_bundle
from songbench.contracts.feature import Extractor, Feature
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.song import Failure
from songbench.resources.weights import availability, path

missing = availability(MUSICNN)
needs_weights = pytest.mark.skipif(not missing.ready, reason=f"{missing.reason}: {missing.cure}")


# A checkpoint written by hand: three variables, keys with shared prefixes, two data blocks.


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def block(pairs):
    out, last = b"", b""
    for key, value in pairs:
        shared = next((i for i, (a, b) in enumerate(zip(last, key, strict=False)) if a != b), min(len(last), len(key)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + b"\0\0\0\0" + b"\1\0\0\0"


def entry(shape, offset, size, kind=1):
    dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in shape))
    place = b"\x20" + varint(offset) + b"\x28" + varint(size) + b"\x35" + b"\0\0\0\0"
    return b"\x08" + varint(kind) + b"\x12" + varint(len(dims)) + dims + place


def write_bundle(folder, blocks, values, compression=0):
    table, handles = b"", []
    for pairs in blocks:
        content = block(pairs)
        handles.append((pairs[-1][0], varint(len(table)) + varint(len(content))))
        table += content + bytes([compression]) + b"\0\0\0\0"
    content = block(handles)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(content))
    table += content + b"\0" + b"\0\0\0\0" + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    index, data = folder / "x.index", folder / "x.data"
    index.write_bytes(table)
    data.write_bytes(np.asarray(values, "<f4").tobytes())
    return index, data


BLOCKS = [
    [(b"", b"\x08\x01"), (b"dense/bias", entry((3,), 0, 12)), (b"dense/kernel", entry((2, 300), 12, 2400))],
    [(b"scale", entry((), 2412, 4)), (b"step", entry((), 2416, 8, kind=9))],
]


def test_reads_a_checkpoint(tmp_path):
    variables_read = read_tensor_bundle(*write_bundle(tmp_path, BLOCKS, np.arange(606)))
    assert list(variables_read) == ["dense/bias", "dense/kernel", "scale"], "other types are left out"
    np.testing.assert_array_equal(variables_read["dense/bias"], [0, 1, 2])
    np.testing.assert_array_equal(variables_read["dense/kernel"], np.arange(3, 603).reshape(2, 300))
    assert variables_read["scale"] == 603


def test_refuses_a_damaged_checkpoint(tmp_path):
    index, data = write_bundle(tmp_path, BLOCKS, np.arange(606))
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError, match="dense/kernel"):
        read_tensor_bundle(index, data)
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(InputError, match="not the index"):
        read_tensor_bundle(index, data)
    with pytest.raises(InputError, match="compressed"):
        read_tensor_bundle(*write_bundle(tmp_path, BLOCKS, np.arange(606), compression=1))
    lying = [[(b"a", entry((5,), 0, 12))]]
    with pytest.raises(InputError, match="shape"):
        read_tensor_bundle(*write_bundle(tmp_path, lying, np.arange(5)))


def variables():
    """Random variables of the right names and shapes."""
    from metrics.features.musicnn_network import Musicnn

    rng, variables_read = np.random.default_rng(0), {}
    names = {"convs": "conv2d", "norms": "batch_normalization", "denses": "dense"}
    for key, tensor in Musicnn().state_dict().items():
        kind, number, part = key.split(".")
        shape = tuple(tensor.shape)
        shape = (*shape[2:], *shape[1::-1]) if len(shape) == 4 else shape[::-1]
        layer = names[kind] + (f"_{number}" if number != "0" else "")
        variables_read[f"{layer}/{part.replace('weight', 'kernel')}"] = rng.random(shape, np.float32) * 0.1
    return variables_read


def test_network_takes_exactly_its_variables():
    from metrics.features.musicnn_network import Musicnn

    complete = variables()
    assert len(complete) == 8 * 2 + 11 * 4 + 2 * 2
    network = Musicnn.from_variables(complete | {"beta1_power": np.float32(0), "conv2d/bias/Adam": np.zeros(204)})
    np.testing.assert_array_equal(network.convs[6].weight[5, 0], complete["conv2d_6/kernel"][:, :, 0, 5])
    np.testing.assert_array_equal(network.denses[0].weight, complete["dense/kernel"].T)
    lacking = {name: value for name, value in complete.items() if name != "batch_normalization_4/gamma"}
    with pytest.raises(InputError, match=r"norms\.4\.gamma"):
        Musicnn.from_variables(lacking)
    with pytest.raises(InputError, match="size mismatch"):
        Musicnn.from_variables(complete | {"dense_1/bias": np.zeros(51, np.float32)})
    with pytest.raises(InputError, match="conv3d"):
        Musicnn.from_variables(complete | {"conv3d/bias": np.zeros(3, np.float32)})


def test_network_by_direct_calculation():
    """One output of the front-end and the back-end, computed from the definition."""
    import torch

    from metrics.features.musicnn_network import Musicnn

    weights = variables()
    network = Musicnn.from_variables(weights)
    patch = np.random.default_rng(1).random((187, 96)).astype(np.float32)

    def norm(x, name):
        part = {key: weights[f"{name}/{key}"] for key in ("gamma", "beta", "moving_mean", "moving_variance")}
        return (x - part["moving_mean"]) / np.sqrt(part["moving_variance"] + 1e-3) * part["gamma"] + part["beta"]

    with torch.inference_mode():
        front = network._front_end(torch.from_numpy(patch[None]))[0].numpy()
        embedding, tags = (x[0].numpy() for x in network(torch.from_numpy(patch[None])))
    x = norm(patch, "batch_normalization")
    # filter 7 of the 128-frame kind at frame 90 sees frames 90 - 63 to 90 + 64
    activation = np.maximum(weights["conv2d_2/kernel"][:, 0, 0, 7] @ x[27:155] + weights["conv2d_2/bias"][7], 0)
    bands = np.stack([norm(np.full(51, h), "batch_normalization_3")[7] for h in activation])
    assert front[408 + 7, 90] == pytest.approx(bands.max(), rel=1e-4)
    logits = embedding @ weights["dense_1/kernel"] + weights["dense_1/bias"]
    np.testing.assert_allclose(tags, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def music(seconds, seed=0, rate=44_100):
    t = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    tones = sum(np.sin(2 * np.pi * hz * t) * (1 + np.sin(2 * np.pi * 2 * t)) for hz in rng.uniform(100, 2000, 6))
    return Audio(np.stack([0.02 * tones, 0.03 * tones]).astype(np.float32), rate)


def test_patches():
    patch = round(PATCH_SECONDS * 16_000)
    for seconds, count in ((1.0, 1), (PATCH_SECONDS, 1), (2 * PATCH_SECONDS - 0.1, 1), (10.0, 3)):
        assert mel_patches(np.ones(round(seconds * 16_000), np.float32)).shape == (count, 187, 96)
    short = music(1.0, rate=16_000).samples[0]
    np.testing.assert_array_equal(mel_patches(short), mel_patches(np.tile(short, 3)[:patch]))
    assert not mel_patches(np.zeros(patch, np.float32)).any()


def test_one_loudness():
    loud, quiet = music(5), Audio(music(5).samples * np.float32(0.03), 44_100)
    np.testing.assert_allclose(at_one_loudness(loud), at_one_loudness(quiet), atol=1e-5)
    assert not at_one_loudness(Audio(np.zeros((2, 44_100), np.float32), 44_100)).any()
    mono = Audio(loud.samples.mean(axis=0, keepdims=True), 44_100)
    np.testing.assert_allclose(at_one_loudness(loud), at_one_loudness(mono), atol=1e-6)


def test_without_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    embedding = MusicnnEmbedding()
    assert isinstance(embedding, Extractor)
    assert "songbench setup musicnn" in embedding.availability().cure
    with pytest.raises(UnavailableError, match="songbench setup musicnn"):
        next(embedding.extract([MemoryAudio(music(1))]))


@needs_weights
def test_every_released_variable_is_used():
    from metrics.features.musicnn_network import Musicnn

    variables_read = read_tensor_bundle(path(MUSICNN) / "msd.index", path(MUSICNN) / "msd.data")
    assert sum(value.nbytes for value in variables_read.values()) == (path(MUSICNN) / "msd.data").stat().st_size
    shapes = {name: value.shape for name, value in variables_read.items() if "Adam" not in name and "power" not in name}
    assert shapes == {name: value.shape for name, value in variables().items()}
    Musicnn.from_variables(variables_read)


@needs_weights
def test_embedding():
    sources = [MemoryAudio(music(7, seed)) for seed in range(3)]
    together = list(MusicnnEmbedding().extract(sources))
    assert all(isinstance(feature, Feature) for feature in together)
    assert together[0].arrays["patches"].shape == (2, 200)
    assert together[0].arrays["patches"].dtype == np.float32
    assert together[0].arrays["tags"].shape == (len(TAG_NAMES),)
    assert 0 <= together[0].arrays["tags"].min() <= together[0].arrays["tags"].max() <= 1
    (alone,) = MusicnnEmbedding().extract(sources[2:])
    np.testing.assert_array_equal(alone.arrays["patches"], together[2].arrays["patches"])
    assert abs(together[0].arrays["patches"] - together[1].arrays["patches"]).max() > 0.1


@needs_weights
def test_embedding_does_not_depend_on_threads_or_level():
    import torch

    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            (feature,) = MusicnnEmbedding().extract([MemoryAudio(music(4))])
            results.append(feature.arrays["patches"])
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-5)
    quiet = Audio(music(4).samples * np.float32(0.1), 44_100)
    (feature,) = MusicnnEmbedding().extract([MemoryAudio(quiet)])
    np.testing.assert_allclose(feature.arrays["patches"], results[0], atol=1e-3)


@needs_weights
def test_silent_and_broken_audio(tmp_path):
    silence = MemoryAudio(Audio(np.zeros((1, 32_000), np.float32), 16_000))
    broken, silent = MusicnnEmbedding().extract([AudioFile(tmp_path / "no.wav"), silence])
    assert isinstance(broken, Failure)
    assert silent.data["silent"] is True
    assert np.isfinite(silent.arrays["patches"]).all()


def test_weights_are_pinned():
    assert musicnn.MUSICNN.licence == "ISC"
    assert all(len(file.sha256) == 64 for file in MUSICNN.files)
