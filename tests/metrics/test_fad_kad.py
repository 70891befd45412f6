"""FAD and KAD as metrics: what they answer, from planted embeddings."""

import numpy as np
import pytest

from metrics.fad import MIN_SONGS, fad_musicnn
from metrics.kad import kad_musicnn
from songbench.contracts.feature import Feature
from songbench.contracts.metric import Conditional, SetMetric
from songbench.domain.audio import Audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Request, memory_song

METRICS = [fad_musicnn(), kad_musicnn()]
by_name = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.card.id)


class Planted:
    """Features whose embeddings follow from the first samples of the audio: a seed and a shift."""

    def of(self, extractor, sources):
        return [self.feature(source.load().samples[0]) for source in sources]

    def feature(self, samples):
        if samples[0] < 0:
            return Failure("feature", "broken")
        rng = np.random.default_rng(int(samples[0]))
        song = rng.standard_normal(4)
        return Feature({"patches": (song + rng.standard_normal((6, 4)) + samples[1]).astype(np.float32)})


def song(number, shift=0.0, prompt=None):
    text = parse_lyrics("[verse]\nla la")
    audio = Audio(np.array([[number, shift]], np.float32), 8000)
    return memory_song(Request(prompt=Prompt(id=prompt or f"p{number}", lyrics=text), take=0, seed=0), audio)


REFERENCE = [song(100 + i) for i in range(12)]


def score(metric, songs, reference=REFERENCE):
    return metric.score_set(songs, reference, Planted())


@by_name
def test_card(metric):
    assert isinstance(metric, SetMetric)
    assert isinstance(metric, Conditional)
    assert metric.card.citation
    assert metric.card.limits
    assert [extractor.name for extractor in metric.extractors] == ["musicnn"]


@by_name
def test_a_shifted_set_is_further_away(metric):
    values = [score(metric, [song(i, shift) for i in range(8)]).values for shift in (0, 2, 6)]
    for field in values[0]:
        assert values[0][field] < values[1][field] < values[2][field]


@by_name
def test_order_and_batch_do_not_matter(metric):
    songs = [song(i) for i in range(4)]
    for values in (score(metric, songs[::-1]).values, score(metric, songs, REFERENCE[::-1]).values):
        assert values == pytest.approx(score(metric, songs).values)


@by_name
def test_leaving_a_prompt_out_equals_scoring_without_its_songs(metric):
    songs = [song(i, prompt=f"p{i // 2}") for i in range(8)]
    scores = score(metric, songs)
    assert list(scores.leave_one_out) == ["p0", "p1", "p2", "p3"]
    assert all(set(values) == set(scores.values) for values in scores.leave_one_out.values())
    without = score(metric, [s for s in songs if s.prompt.id != "p1"]).values
    for field in set(scores.values) - {"fad_inf"}:  # its subsets are drawn from the order of all songs
        assert scores.leave_one_out["p1"][field] == pytest.approx(without[field])
    assert scores.n == 8


@by_name
def test_what_cannot_be_compared(metric):
    assert "at least 2 songs" in score(metric, [song(0)]).reason
    assert "reference" in score(metric, [song(0), song(1)], REFERENCE[:1]).reason
    assert score(metric, REFERENCE) == NotApplicable(
        "these are the reference songs themselves; the distance is 0 by construction"
    )
    assert score(metric, [song(0), song(-1)]) == Failure("feature", "broken")


@by_name
def test_takes_of_one_prompt_have_nothing_to_leave_out(metric):
    assert score(metric, [song(i, prompt="only") for i in range(3)]).leave_one_out == {}


def test_few_songs_are_not_extrapolated():
    few = score(METRICS[0], [song(i) for i in range(MIN_SONGS - 1)])
    assert set(few.values) == {"fad"}
    assert "at least" in few.detail["fad_inf"]
    enough = score(METRICS[0], [song(i) for i in range(MIN_SONGS)])
    assert set(enough.values) == {"fad", "fad_inf"}
    assert enough.detail["fad_inf"]["r2"] <= 1


def test_kad_takes_its_width_from_the_reference_alone():
    near, far = ([song(i, shift) for i in range(4)] for shift in (0, 50))
    assert score(METRICS[1], near).detail["bandwidth"] == score(METRICS[1], far).detail["bandwidth"]
    # sets without any overlap: the cross term is 0 and what remains are the means within each set
    assert score(METRICS[1], far).values["kad"] > 50


def test_kad_without_a_width():
    class Same(Planted):
        def feature(self, samples):
            return Feature({"patches": np.ones((3, 4), np.float32)})

    assert "width" in METRICS[1].score_set([song(0), song(1)], REFERENCE, Same()).reason


@by_name
@pytest.mark.parametrize(
    ("songs", "reference", "reason"),
    [
        (["a", "b"], ["c", "d"], None),
        (["a", "a"], ["c", "d"], None),
        (["a"], ["c", "d"], "at least 2 songs; there are 1"),
        (["a", "b"], [], "the suite has 0 reference songs"),
        (["c", "d", "c"], ["c", "d"], "the reference songs themselves"),
    ],
)
def test_what_cannot_be_scored_is_known_before_any_embedding(metric, songs, reference, reason):
    refusal = metric.not_applicable(songs, reference)
    assert refusal is None if reason is None else reason in refusal.reason


# -- songs that cannot be heard ----------------------------------------------------------------------------------------


class Fragile(Planted):
    """Raises for a song numbered 500 and gives NaN for one numbered 501; fails, as planted, below 0."""

    def feature(self, samples):
        if samples[0] == 500:
            raise ValueError("array of sample points is empty")
        feature = super().feature(samples)
        return Feature({"patches": np.full((6, 4), np.nan, np.float32)}) if samples[0] == 501 else feature


def left_out(verdict, name="left_out"):
    return {entry["prompt"]: entry["reason"] for entry in verdict.detail.get(name, ())}


@by_name
def test_songs_that_cannot_be_heard_are_left_out_and_named(metric):
    good = [song(i) for i in range(8)]
    odd = [*good[:3], song(500), *good[3:6], song(501), song(-1), *good[6:]]
    verdict = metric.score_set(odd, REFERENCE, Fragile())
    alone = metric.score_set(good, REFERENCE, Fragile())
    assert verdict.values == pytest.approx(alone.values)
    assert verdict.leave_one_out.keys() == alone.leave_one_out.keys()
    assert verdict.n == 8
    assert left_out(verdict) == {
        "p500": "ValueError: array of sample points is empty",
        "p501": "the embedding is not finite",
        "p-1": "broken",
    }
    assert all(entry["failed"] for entry in verdict.detail["left_out"])


@by_name
def test_a_bad_reference_is_left_out_and_named(metric):
    songs = [song(i) for i in range(4)]
    verdict = metric.score_set(songs, [*REFERENCE, song(501, prompt="bad")], Fragile())
    assert verdict.values == pytest.approx(metric.score_set(songs, REFERENCE, Fragile()).values)
    assert left_out(verdict, "left_out_references") == {"bad": "the embedding is not finite"}
    assert left_out(verdict) == {}


@by_name
def test_fewer_than_half_are_no_set(metric):
    assert (
        metric.score_set([song(0), song(1), *(song(-i) for i in range(1, 4))], REFERENCE, Fragile()).cause == "broken"
    )
    assert metric.score_set([song(0), song(1)], [*REFERENCE[:2], *[song(501)] * 3], Fragile()).cause == (
        "the embedding is not finite"
    )
