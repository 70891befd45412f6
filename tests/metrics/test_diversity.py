"""Diversity over takes, by a stand-in for the package that holds its published formula, and by the package itself."""

import dataclasses
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from metrics.diversity import diversity_musicnn
from songbench.contracts.exclusion import LEFT_OUT, select_songs
from songbench.contracts.feature import Feature
from songbench.contracts.metric import SetMetric
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure

AXES = np.eye(3)


def published_formula(vectors, q=1, normalize=True):
    """Exponential of the entropy of the eigenvalues of K / n (Friedman & Dieng 2023)."""
    eigenvalues = np.linalg.eigvalsh(vectors @ vectors.T / len(vectors))
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    return np.exp(-np.sum(eigenvalues * np.log(eigenvalues)))


@pytest.fixture
def package(monkeypatch):
    """The package, or a module with its formula where it is not installed."""
    if importlib.util.find_spec("vendi_score") is None:
        module = ModuleType("vendi_score")
        module.vendi = SimpleNamespace(score_dual=published_formula)
        monkeypatch.setitem(sys.modules, "vendi_score", module)


class Planted:
    """A song's source is its embedding, or a failure, or None for silence."""

    def of(self, extractor, sources):
        return [
            source
            if isinstance(source, Failure)
            else Feature({"patches": np.atleast_2d(AXES[0] if source is None else source)}, {"silent": source is None})
            for source in sources
        ]


def songs(**prompts):
    return [
        SimpleNamespace(prompt=SimpleNamespace(id=prompt), request=SimpleNamespace(take=take), source=source)
        for prompt, sources in prompts.items()
        for take, source in enumerate(sources)
    ]


def verdict(**prompts):
    return diversity_musicnn().score_set(songs(**prompts), [], Planted())


@pytest.mark.usefixtures("package")
class TestScore:
    def test_takes_that_are_alike_are_one_song_and_unlike_ones_count(self):
        alike = verdict(p=[AXES[0], 3 * AXES[0], AXES[0]], q=[2 * AXES[1]] * 3)
        assert alike.values["vendi"] == pytest.approx(1)
        assert verdict(p=AXES, q=AXES).values["vendi"] == pytest.approx(3)
        assert verdict(p=AXES, q=[AXES[0]] * 3).values["vendi"] == pytest.approx(2)

    def test_by_hand(self):
        """Two takes of cosine c have the eigenvalues (1 ± c) / 2."""
        shares = np.array([1 + 0.6, 1 - 0.6]) / 2
        expected = np.exp(-np.sum(shares * np.log(shares)))
        assert verdict(p=[AXES[0], np.array([0.6, 0.8, 0.0])]).values["vendi"] == pytest.approx(expected)

    def test_each_prompt_can_be_left_out(self):
        answer = verdict(p=AXES[:2], q=[AXES[0]] * 2, r=AXES[1:])
        assert (answer.n, answer.detail["takes"]) == (6, 2)
        without = {prompt: values["vendi"] for prompt, values in answer.leave_one_out.items()}
        assert without == pytest.approx({"p": 1.5, "q": 2.0, "r": 1.5})
        assert verdict(p=AXES).leave_one_out == {}

    def test_prompts_with_fewer_takes_are_left_out_and_named(self):
        answer = verdict(p=AXES, q=[AXES[0], None, AXES[1]], r=[AXES[0], Failure("feature", "broken"), AXES[0]])
        assert (answer.values["vendi"], answer.n) == (pytest.approx(3), 3)
        reasons = {(entry["prompt"], entry["take"]): entry["reason"] for entry in answer.detail[LEFT_OUT]}
        fewer = "its prompt has fewer takes than 3"
        assert reasons == {
            ("q", 1): "the song is silent",
            ("r", 1): "broken",
            **dict.fromkeys([("q", 0), ("q", 2), ("r", 0), ("r", 2)], fewer),
        }

    def test_single_takes_have_no_diversity(self):
        assert verdict(p=AXES[:1], q=AXES[:1]) == NotApplicable("no prompt has two takes that could differ")
        assert "left out: the song is silent" in verdict(p=[None, None]).reason
        assert verdict(p=[Failure("feature", "broken")]).cause == "broken"


def test_the_package_gives_what_the_formula_gives():
    vendi = pytest.importorskip("vendi_score.vendi", reason="the extra 'diversity' is not installed")
    rng = np.random.default_rng(0)
    for n in (2, 3, 8):
        vectors = rng.normal(1.0, 1.0, (n, 20))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        assert vendi.score_dual(vectors, normalize=False) == pytest.approx(published_formula(vectors))


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    state = diversity_musicnn().availability()
    assert not state.ready and state.cure == "pip install 'songbench[diversity]'"
    assert isinstance(diversity_musicnn(), SetMetric)


def test_takes_that_are_the_same_recording_are_given_to_it():
    recording = SimpleNamespace(digest="a")
    songs_of_set = [
        SimpleNamespace(
            prompt=SimpleNamespace(id="p", lyrics_known=True),
            request=SimpleNamespace(take=take),
            source=recording,
            remarks=(),
        )
        for take in range(3)
    ]
    assert len(select_songs(diversity_musicnn().card, songs_of_set).songs) == 3
    once = dataclasses.replace(diversity_musicnn().card, repeats=False)
    assert len(select_songs(once, songs_of_set).songs) == 1
