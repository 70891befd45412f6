import subprocess
import sys

import numpy as np
import pytest

from metrics.functional.edits import edits
from metrics.per import compare, whisper_base_mix, whisper_base_stem
from songbench.contracts.feature import Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song


class Heard:
    """Features that answer every request with the same text."""

    def __init__(self, text):
        self.text, self.calls = text, []

    def of(self, extractor, sources):
        self.calls.append((extractor, sources))
        return [transcript_of(self.text) for _ in sources]


def transcript_of(text):
    return Feature(data={"text": text, "segments": [], "dropped": [], "silent": False})


def song(lyrics="[verse]\nHello world", language="en", stem=True):
    audio = MemoryAudio(Audio(np.ones((1, 8), np.float32), 16000))
    prompt = Prompt(id="p", lyrics=parse_lyrics(lyrics), language=language)
    return Song(request=Request(prompt=prompt, take=0, seed=0), source=audio, stems={"vocals": audio} if stem else {})


def verdict(metric, lyrics, text, language="en"):
    return next(iter(metric.score([song(lyrics, language)], Heard(text))))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("abcd", "abcd", (0, 0, 0)),
        ("abcd", "axcd", (1, 0, 0)),
        ("abcd", "acd", (0, 1, 0)),
        ("abcd", "abxcd", (0, 0, 1)),
        ("abcd", "", (0, 4, 0)),
        ("", "abc", (0, 0, 3)),
        ("abcdef", "xbcefyz", (1, 1, 2)),
    ],
)
def test_edits_by_hand(reference, hypothesis, counts):
    result = edits(list(reference), list(hypothesis))
    assert (result.substitutions, result.deletions, result.insertions) == counts
    assert result.total == sum(counts)
    assert len(result.matched) == len(reference)


def test_matched_tokens():
    assert edits(list("abcd"), list("xbd")).matched == (False, True, False, True)


def test_perfect_and_wrong():
    # h ə l oʊ w ɜː l d against h ə l oʊ: 4 of 8 deleted
    perfect, half = (
        compare(["Hello world"], transcript_of("hello WORLD.").data),
        compare(["Hello world"], transcript_of("hello").data),
    )
    assert perfect.values == {
        "per": 0, "per_macro": 0, "sub": 0, "del": 0, "ins": 0, "wer": 0, "coverage": 100,
    }  # fmt: skip
    assert half.values == {
        "per": 50, "per_macro": 50, "sub": 0, "del": 50, "ins": 0, "wer": 50, "coverage": 100,
    }  # fmt: skip
    assert half.weights == {"per": 8, "sub": 8, "del": 8, "ins": 8, "wer": 2, "coverage": 1}


def test_insertions_exceed_100_and_are_not_clipped():
    result = compare(["go"], transcript_of("go " * 6).data)
    assert result.values["per"] == result.values["ins"] == 500
    assert result.values["wer"] == 500


def test_nothing_heard_is_100_percent_deletions():
    result = verdict(whisper_base_mix(), "[verse]\nHello world", "")
    assert result.values["per"] == result.values["del"] == result.values["wer"] == 100
    assert result.values["coverage"] == 0


def test_figure_of_a_system_is_the_micro_average():
    long, short = compare(["Hello world"], transcript_of("hello world").data), compare(["go"], transcript_of("").data)
    weighted = sum(s.values["per"] * s.weights["per"] for s in (long, short)) / 10
    assert weighted == pytest.approx(20)  # 2 of 10 phonemes wrong
    assert "per_macro" not in long.weights  # mean of 0 and 100: 50


def test_coverage_counts_lines():
    result = compare(["hello world", "choose fire", "(…)"], transcript_of("hello world").data)
    assert result.values["coverage"] == 50
    assert result.weights["coverage"] == 2


def test_mandarin():
    result = compare(["我爱你"], transcript_of("我愛她").data)  # uo ai n i / uo ai t a
    assert result.values["per"] == 50
    assert result.values["wer"] == pytest.approx(100 / 3)


def test_reference_is_the_sung_lines_and_language_is_passed_on():
    features = Heard("我爱你 baby")
    metric = whisper_base_stem()
    result = next(iter(metric.score([song("[intro]\n[verse]\n我爱你 (baby)\n[outro]", "mixed")], features)))
    assert result.values["per"] == 0
    assert result.detail["reference"] == "我爱你 (baby)"
    assert features.calls[0][0].language == "zh"


def test_not_applicable():
    stemless = next(iter(whisper_base_stem().score([song(stem=False)], Heard(""))))
    assert stemless == NotApplicable("the system gives no vocal stem")
    for lyrics in ("[inst]", "[verse]\n…"):
        assert verdict(whisper_base_mix(), lyrics, "la la") == NotApplicable("the prompt has no sung lines")
    assert isinstance(verdict(whisper_base_mix(), "[verse]\nbonjour", "", "fr"), NotApplicable)


@pytest.mark.parametrize(
    ("line", "language", "reason"),
    [
        ("No sé por qué te vas y la noche es larga sin ti", "en", "said to be in 'en'"),
        ("No sé por qué te vas y la noche es larga sin ti", "es", "'es' cannot be judged"),
        ("雨がふってる 君の街", "zh", "Japanese"),
        ("비가 내려요 너의 거리에", "mixed", "Korean"),
        ("Anh yêu em nhiều lắm đêm nay trời mưa", "en", "'vi'"),
        ("Hello my love, it is a lovely day to say хорошо again to all", "en", "'хорошо'"),
        ("Hello", "und", "give 'language'"),
    ],
)
def test_what_cannot_be_judged_is_not_heard_either(line, language, reason):
    features = Heard(line)
    result = next(iter(whisper_base_mix().score([song(f"[verse]\n{line}", language)], features)))
    assert isinstance(result, NotApplicable)
    assert reason in result.reason
    assert not any(sources for _, sources in features.calls)


@pytest.mark.parametrize(("language", "language_of_recogniser"), [("en-GB", "en"), ("zh-TW", "zh"), ("mixed", "zh")])
def test_regions_are_heard_as_their_language(language, language_of_recogniser):
    line = "Hello world" if language_of_recogniser == "en" else "我爱你 baby"
    features = Heard(line)
    result = next(iter(whisper_base_mix().score([song(f"[verse]\n{line}", language)], features)))
    assert result.values["per"] == 0
    assert features.calls[0][0].language == language_of_recogniser


def test_figures_cost_nothing():
    result = verdict(
        whisper_base_mix(),
        "[verse]\nBack in 1999\nI was 100% sure",
        "back in nineteen ninety nine I was\na hundred percent sure",
    )
    assert result.values["per"] == result.values["wer"] == 0
    assert result.values["coverage"] == 100


def test_failure_of_the_transcript_is_handed_on():
    class Broken:
        def of(self, extractor, sources):
            return [Failure("feature", "broken file")]

    assert next(iter(whisper_base_mix().score([song()], Broken()))) == Failure("feature", "broken file")


@pytest.mark.parametrize("metric", [whisper_base_stem(), whisper_base_mix()])
def test_card(metric):
    assert isinstance(metric, SongMetric)
    card = metric.card
    assert card.citation and card.limits and card.summary and card.licence
    assert [field.name for field in card.fields if field.headline] == ["per"]
    result = compare(["Hello"], transcript_of("Hello").data)
    assert isinstance(result, Scores)
    assert set(result.values) == {field.name for field in card.fields}


def test_importing_loads_no_model_library():
    heavy = "torch", "faster_whisper", "ctranslate2", "phonemizer", "pypinyin", "rapidfuzz", "scipy", "pyloudnorm"
    code = f"import sys, metrics.per, metrics.audio, metrics.rtf; assert not set({heavy!r}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
