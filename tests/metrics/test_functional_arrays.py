"""The functions on arrays: what they take, what they refuse and why, and that the metrics give the same numbers."""

import json
import subprocess
import sys

import numpy as np
import pytest

from metrics.embedding_sets import EmbeddingSets
from metrics.fad import frechet_scores
from metrics.functional import fad, kad, pairwise_similarity, ser, similarity
from metrics.functional.frechet_distance import MIN_SONGS, Moments
from metrics.kad import kernel_scores
from metrics.similarity import similarity_musicnn
from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, memory_song


def embeddings(songs=6, seed=0, d=4, shift=0.0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((int(rng.integers(3, 9)), d)) + rng.standard_normal(d) + shift for _ in range(songs)]


EVALUATED, REFERENCE = embeddings(seed=1, shift=0.5), embeddings(songs=9, seed=2)


@pytest.mark.parametrize("subsets", ["windows", "parts"])
def test_fad_is_the_metric(subsets):
    moments = [[Moments.of(song) for song in side] for side in (EVALUATED, REFERENCE)]
    sets = EmbeddingSets(songs=moments[0], reference=moments[1], prompts=[f"p{i}" for i in range(6)])
    scores = frechet_scores(sets, subsets)
    distance = fad(EVALUATED, REFERENCE, subsets=subsets)
    assert {"fad": distance.fad, "fad_inf": distance.fad_inf} == scores.values
    assert distance.mean_term == scores.detail["mean_term"]
    assert distance.extrapolation.points == scores.detail["fad_inf"]["points"]


def test_kad_is_the_metric():
    sets = EmbeddingSets(songs=EVALUATED, reference=REFERENCE, prompts=[f"p{i}" for i in range(6)])
    scores = kernel_scores(sets)
    distance = kad(EVALUATED, REFERENCE)
    assert {"kad": distance.kad, "kad_across": distance.kad_across} == scores.values
    assert distance.bandwidth == scores.detail["bandwidth"]
    assert kad(EVALUATED, REFERENCE, bandwidth=distance.bandwidth) == distance


def test_similarity_is_the_metric():
    song, prompt = (np.abs(side[0]).astype(np.float32) for side in (EVALUATED, REFERENCE))

    class Planted:
        def of(self, extractor, sources):
            return [Feature({"patches": side}, {"silent": False}) for side in (song, prompt)]

    audio = MemoryAudio(Audio(np.full((1, 800), 0.1, np.float32), 8000))
    prompt_of_song = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"))
    request = Request(prompt=prompt_of_song, take=0, seed=0, prompt_audio=audio)
    (scores,) = similarity_musicnn().score(
        [memory_song(request, Audio(np.ones((1, 800), np.float32), 8000))], Planted()
    )
    assert scores.values["similarity"] == similarity(song, prompt)


@pytest.mark.parametrize("distance", [fad, kad])
def test_forms_of_the_same_embeddings(distance):
    x, y = (np.stack([song[:3] for song in side]) for side in (EVALUATED, REFERENCE))
    by_song = distance(list(x), [song.tolist() for song in y])
    assert distance(x, y) == by_song
    stacked = distance(np.concatenate(x), np.concatenate(y).tolist())
    name = distance.__name__
    assert getattr(stacked, name) == pytest.approx(getattr(by_song, name), rel=1e-9)
    assert getattr(stacked, {"fad": "fad_inf", "kad": "kad_across"}[name]) is None, "stacked songs are one"


def test_fad_inf_needs_songs_kept_apart():
    assert fad(EVALUATED[: MIN_SONGS - 1], REFERENCE).fad_inf is None
    single = np.concatenate(EVALUATED)[:, None]
    assert fad(single, REFERENCE).fad_inf is not None
    assert fad(single[:6], REFERENCE, subsets="parts").fad_inf is not None
    with pytest.raises(InputError, match="single embedding"):
        fad(single[:5], REFERENCE, subsets="parts")


BROKEN = np.ones((3, 4))
BROKEN[1, 2] = np.nan


@pytest.mark.parametrize("distance", [fad, kad])
@pytest.mark.parametrize(
    ("songs", "reference", "message"),
    [
        ([], REFERENCE, "songs holds no embeddings"),
        (np.zeros((0, 4)), REFERENCE, "songs holds no embeddings"),
        (EVALUATED, [*REFERENCE, BROKEN], r"reference\[9\] has NaN or infinity in 1 of 3 rows"),
        (BROKEN * np.inf, REFERENCE, "songs has NaN or infinity in 3 of 3 rows"),
        ([EVALUATED[0][:1]], REFERENCE, "songs must hold at least 2 embeddings"),
        (EVALUATED[0][0], REFERENCE, "songs must hold at least 2 embeddings|4 dimensions"),
        (
            embeddings(d=5),
            REFERENCE,
            "songs have 5 dimensions, those of the reference 4; both must come from one model",
        ),
        ([*EVALUATED, embeddings(d=5)[0]], REFERENCE, "different widths: 4, 5"),
        ([*EVALUATED, np.zeros((0, 4))], REFERENCE, r"songs\[6\] must have the shape \(n, d\).* not \(0, 4\)"),
        (np.zeros((2, 2, 2, 2)), REFERENCE, r"songs\[0\] must have the shape"),
        ([["a", "b"]], REFERENCE, "songs is no array of numbers"),
        ([[1.0, 2.0], [1.0]], REFERENCE, "songs is no array of numbers"),
        (3.0, REFERENCE, "songs must have the shape"),
    ],
)
def test_distances_say_what_they_cannot_take(distance, songs, reference, message):
    with pytest.raises(InputError, match=message):
        distance(songs, reference)


def test_kad_says_why_it_has_no_kernel():
    with pytest.raises(InputError, match="Most embeddings of the reference are equal"):
        kad(EVALUATED, np.ones((9, 4)))
    for bandwidth in (0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="above 0 and finite"):
            kad(EVALUATED, REFERENCE, bandwidth=bandwidth)


def test_similarity_of_known_angles():
    assert similarity([1, 0], [0, 5]) == 0
    assert similarity([2, 0], [-1, 0]) == -1
    assert similarity([[1, 0], [0, 9]], [[1, 1]]) == pytest.approx(1), "each clip counts alike"
    assert pairwise_similarity([[1, 0], [0, 9]], [[1, 1]]) == pytest.approx(np.sqrt(0.5))
    assert pairwise_similarity([[1, 0], [-1, 0]], [1, 0]) == 0
    vectors = np.random.default_rng(0).standard_normal((7, 5))
    assert similarity(vectors, vectors) == 1


@pytest.mark.parametrize(
    ("song", "condition", "message"),
    [
        ([1.0, np.nan], [1.0, 0.0], "song has NaN"),
        ([1.0, 0.0], [1.0, 0.0, 0.0], "the song have 2 dimensions, those of the condition 3"),
        ([1.0, 0.0], [[1.0, 0.0], [0.0, 0.0]], "of the condition has length 0"),
        (np.zeros((2, 2, 2)), [1.0, 0.0], r"song must have the shape"),
    ],
)
@pytest.mark.parametrize("measure", [similarity, pairwise_similarity])
def test_similarity_says_what_it_cannot_take(measure, song, condition, message):
    with pytest.raises(InputError, match=message):
        measure(song, condition)


def test_vectors_that_cancel_out_have_no_direction():
    with pytest.raises(InputError, match="song cancel each other out"):
        similarity([[1.0, 0.0], [-1.0, 0.0]], [1.0, 0.0])


FOUND = [("intro", 0.0, 5.0), ("verse", 5.0, 20.0), ("chorus", 20.0, 30.0)]


def test_ser_on_lists():
    assert ser(["intro", "verse", "chorus"], FOUND).ser == 0
    assert ser([("intro", 5.0), ("verse", None), "chorus"], FOUND).order_error == 0
    errors = ser(["verse", "chorus"], FOUND)
    assert (errors.ser, errors.mislabelled, errors.missing, errors.total) == (pytest.approx(100 / 6), 5, 0, 30)
    assert errors.order_error == 50
    empty = ser(["verse"], [])
    assert (empty.ser, empty.order_error, empty.total) == (100, 100, 0)


@pytest.mark.parametrize(
    ("requested", "sections", "message"),
    [
        ([], FOUND, "No section is requested"),
        ([("verse", -1.0)], FOUND, "'verse' must be at least 0"),
        ([("verse", np.nan)], FOUND, "'verse' must be at least 0"),
        (["verse"], FOUND[::-1], "'verse' from 5.0 to 20.0 s overlaps the one before, is out of order"),
        (["verse"], [("verse", 3.0, 3.0)], "lasts no time"),
        (["verse"], [("verse", 0.0, np.nan)], "lasts no time"),
    ],
)
def test_ser_says_what_it_cannot_take(requested, sections, message):
    with pytest.raises(InputError, match=message):
        ser(requested, sections)


def test_the_import_is_light():
    code = "import sys, json, metrics.functional; print(json.dumps(sorted(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in json.loads(process.stdout)}
    heavy = {
        "torch",
        "faster_whisper",
        "whisperx",
        "transformers",
        "librosa",
        "scipy",
        "pandas",
        "onnxruntime",
        "jieba",
    }
    assert "numpy" in packages and not packages & heavy
