"""Plug-ins from plain functions."""

from typing import Annotated

import numpy as np
import pydantic
import pytest

from songbench.contracts import registry
from songbench.contracts.card_checks import faults_of_metric, faults_of_system
from songbench.contracts.parameters import parameters_of
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError, StoreWriteError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, GenerationRecord, Request, Song, memory_song
from songbench.execution.features import StoredFeatures
from songbench.execution.store import Store
from songbench.execution.verdicts import verdict_on_set, verdicts_on
from songbench.plugin import Extractor, Feature, Field, SetMetric, SongMetric, System, extractor, metric, set_metric
from songbench.plugin import system as song_system

LYRICS = parse_lyrics("[verse]\nla la la\n")


def request(prompt="p", take=0, **facts):
    return Request(prompt=Prompt(id=prompt, lyrics=LYRICS, **facts), take=take, seed=7)


def song(level, prompt="p", take=0):
    samples = np.full((1, 800), level, dtype="float32")
    return Song(request=request(prompt, take), source=MemoryAudio(Audio(samples, 8000)))


@pytest.fixture
def features(tmp_path):
    return StoredFeatures(Store(str(tmp_path)))


@extractor("mean level", version="1")
def mean_level(source, *, scale: float = 1.0):
    """The mean of the samples."""
    samples = source.load().samples
    if samples.max() > 0.85:
        raise ValueError("too\nloud")
    return {"level": np.float64(scale * samples.mean()), "curve": samples[0, :4], "unit": "full scale"}


@metric("level@mean", version="2", fields=[Field("level", low=0, high=1)], hears={"sound", "level"}, mono=True)
def level(song, *, gain: Annotated[float, pydantic.Field(ge=0, le=10)] = 1.0):
    """How loud a song is on the mean.

    More about it.
    """
    mean = float(song.audio.samples.mean())
    if mean < 0:
        raise ValueError(f"no\nlevel {'x' * 400}")
    return mean * gain if mean else NotApplicable("the song is silent")


@set_metric("spread@mean", version="1", fields=[Field("spread", direction="lower")], extractor=mean_level(scale=2.0))
def spread(songs, reference):
    """How far the mean levels of the songs are from those of the reference."""
    if not reference:
        return NotApplicable("there is no reference")
    return abs(np.mean([song.data["level"] for song in songs]) - np.mean([song.data["level"] for song in reference]))


@song_system("tone", version="3", licence="CC0-1.0", conditions=["style text", "prompt audio"], languages=(), needs=[])
def tone(request, *, hertz: float = 440.0, variant: str = "sine"):
    """One tone."""
    if request.take == 1:
        raise RuntimeError("out of breath")
    if request.take == 2:
        return Failure("generate", "no such song")
    if request.take == 3:
        return memory_song(request, Audio(np.zeros((1, 9), "float32"), 9), GenerationRecord(device="toy"))
    if request.take == 4:
        return [0.0]
    return Audio(np.sin(np.arange(8000, dtype="float32")[None] * hertz), 8000)


class TestMetric:
    def test_it_is_a_metric_with_a_card_from_few_words(self):
        built = level()
        assert isinstance(built, SongMetric) and not faults_of_metric(built.card)
        card = built.card
        assert (card.id, card.version, card.summary) == ("level@mean", "2", "How loud a song is on the mean.")
        assert card.hears == ("sound", "level") and card.mono and built.availability().ready
        assert level.__name__ == "level" and "More about it" in level.__doc__
        assert level.function(song(0.5), gain=2.0) == 1.0

    def test_one_song_fails_and_the_others_go_on(self, features):
        loud, broken, silent, quiet = level().score([song(0.5), song(-0.5), song(0.0), song(0.25)], features)
        assert loud == Scores(values={"level": 0.5}) and quiet == Scores(values={"level": 0.25})
        assert silent == NotApplicable("the song is silent")
        assert isinstance(broken, Failure) and broken.stage == "score"
        assert broken.cause.startswith("ValueError: no level xxx") and len(broken.cause) == 300
        assert "in level" in broken.detail

    def test_an_exception_without_a_text_fails_its_song_alone(self, features):
        class MuteError(Exception):
            def __str__(self):
                raise ValueError

        @metric("mute", version="1", fields=[Field("mute")])
        def mute(song):
            if song.audio.samples[0, 0] < 0:
                raise MuteError
            return 1.0

        broken, intact = mute().score([song(-0.5), song(0.5)], features)
        assert broken.cause == "MuteError, whose own text cannot be had" and intact == Scores(values={"mute": 1.0})

    def test_the_harness_takes_its_verdicts(self, features):
        good, beyond = verdicts_on(level(gain=3.0), [song(0.25), song(0.5)], features)
        assert good == Scores(values={"level": 0.75})
        assert "above 1" in str(beyond)

    def test_settings_are_checked_like_those_of_every_factory(self):
        settings = parameters_of(level)
        assert settings.names == ("gain",)
        settings.check({"gain": 2.0}, "metric 'level@mean'")
        with pytest.raises(InputError, match="gain"):
            settings.check({"gain": 11}, "metric 'level@mean'")
        with pytest.raises(InputError, match=r"no setting 'gian'"):
            settings.check({"gian": 1}, "metric 'level@mean'")
        with pytest.raises(TypeError, match="level has no setting 'gian'; it has gain"):
            level(gian=1)

    def test_annotations_may_be_text(self):
        @metric("m", version="1", fields=[Field("m")])
        def text(song, *, gain: "Annotated[float, pydantic.Field(ge=0, le=10)]" = 1.0):
            return gain

        with pytest.raises(InputError, match="gain"):
            parameters_of(text).check({"gain": 11}, "metric 'm'")

    def test_a_feature_is_handed_to_the_function_and_its_failure_is_the_verdict(self, features):
        @metric("twice@mean", version="1", fields=[Field("twice"), Field("half")], extractors=[mean_level])
        def twice(song, level):
            return {"twice": 2 * level.data["level"], "half": level.arrays["curve"].mean() / 2}

        scores, failure = twice().score([song(0.25), song(0.9)], features)
        assert scores == Scores(values={"twice": 0.5, "half": 0.125})
        assert failure.stage == "feature" and failure.cause == "ValueError: too loud"
        assert [use.audio for use in features.uses.values()] == [song(0.25).source.digest]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ("0.5", "gave '0.5', which is no number"),
            (True, "gave True"),
            (None, "gave None"),
            (float("nan"), "is nan"),
        ],
    )
    def test_what_is_no_number_is_a_failure(self, features, answer, message):
        @metric("odd", version="1", fields=[Field("odd")])
        def odd(song):
            return answer

        (verdict,) = odd().score([song(0.5)], features)
        assert isinstance(verdict, Failure) and message in verdict.cause

    def test_one_number_for_two_fields_is_a_failure(self, features):
        @metric("two", version="1", fields=[Field("a"), Field("b")])
        def two(song):
            return 1

        (verdict,) = two().score([song(0.5)], features)
        assert "must give a mapping" in verdict.cause

    def test_a_store_that_fails_is_no_failure_of_a_song(self, features):
        @metric("full", version="1", fields=[Field("full")])
        def full(song):
            raise StoreWriteError("no room")

        with pytest.raises(StoreWriteError):
            list(full().score([song(0.5)], features))

    def test_availability_follows_from_its_needs(self, monkeypatch, tmp_path):
        def needing(*names):
            return metric("m", version="1", fields=[Field("m")], needs=names)(lambda song: 0)().availability()

        assert needing("numpy", "pydantic").ready
        assert needing("numpy", "no-such-package-anywhere").cure == "pip install no-such-package-anywhere"
        monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path))
        monkeypatch.delenv("SONGBENCH_ENV_FADTK", raising=False)
        assert needing("numpy", "fadtk").cure.startswith("songbench setup fadtk")

    def test_a_function_that_cannot_be_called_so_is_refused_at_once(self):
        decorate = metric("m", version="1", fields=[Field("m")])
        with pytest.raises(TypeError, match=r"must be a function of \(song\)"):
            decorate(lambda song, gain: 0)
        with pytest.raises(TypeError, match="needs a default"):
            decorate(lambda song, *, gain: 0)
        with pytest.raises(TypeError, match=r"function of \(song, mean_level\)"):
            metric("m", version="1", fields=[Field("m")], extractors=[mean_level])(lambda song: 0)
        with pytest.raises(TypeError, match="colour"):
            metric("m", version="1", fields=[Field("m")], colour="red")(lambda song: 0)

    def test_the_registry_builds_it(self, monkeypatch):
        monkeypatch.setattr(registry, "load", lambda group, name: level)
        assert registry.build_metric("level@mean", {"gain": 2}).settings == {"gain": 2}
        with pytest.raises(InputError, match="gain"):
            registry.build_metric("level@mean", {"gain": "much"})


@pytest.mark.parametrize("name", ["languages", "needs", "tracks", "hears"])
def test_a_text_is_no_collection_of_its_letters(name):
    card = metric("loudest", version="1", fields=[Field("loudest")], **{name: "en"})(lambda song: 1.0)().card
    assert any(fault.startswith(f"{name} is 'en'") for fault in faults_of_metric(card))


def test_sets_are_in_one_order_in_every_process():
    facts = {"languages": {"zh", "en", "fr"}, "needs": {"b", "a"}}
    assert metric("m", version="1", fields=[Field("m")], **facts)(lambda song: 1.0)().card.languages == (
        "en",
        "fr",
        "zh",
    )
    decorate = song_system("s", version="1", licence="CC0-1.0", conditions={"style text", "lyrics"}, **facts)
    card = decorate(lambda request: None)().card
    assert (card.conditions, card.languages, card.needs) == (("lyrics", "style text"), ("en", "fr", "zh"), ("a", "b"))


class TestExtractor:
    def test_it_is_an_extractor_with_an_identity(self):
        assert isinstance(mean_level, Extractor) and mean_level.name == "mean level"
        assert mean_level.identity == {"version": "1", "scale": 1.0}
        assert mean_level(scale=2.0).identity == {"version": "1", "scale": 2.0}
        with pytest.raises(TypeError, match="no setting 'size'; it has scale"):
            mean_level(size=1)

    def test_arrays_and_data(self):
        good, bad = mean_level.extract([song(0.5).source, song(0.9).source])
        assert good.data == {"level": 0.5, "unit": "full scale"} and type(good.data["level"]) is float
        assert good.arrays["curve"].tolist() == [0.5] * 4
        assert bad.stage == "feature" and bad.cause == "ValueError: too loud"

    def test_anything_else_is_a_failure(self):
        (failure,) = extractor("odd", version="1")(lambda source: 0.5).extract([song(0.5).source])
        assert "returns a mapping or a Feature, not float" in failure.cause
        feature = Feature(data={"x": 1})
        assert next(extractor("whole", version="1")(lambda source: feature).extract([song(0.5).source])) is feature

    def test_version_is_no_setting(self):
        with pytest.raises(TypeError, match="'version' cannot be a setting"):

            @extractor("odd", version="1")
            def odd(source, *, version="2"):
                return {}


class TestSetMetric:
    def test_numbers_come_with_those_without_each_prompt(self, features):
        built = spread()
        assert isinstance(built, SetMetric) and not isinstance(built, SongMetric)
        assert not faults_of_metric(built.card) and built.extractors[0].identity["scale"] == 2.0
        songs = [song(0.25, "a"), song(0.25, "a", 1), song(0.75, "b")]
        verdict = verdict_on_set(built, songs, [song(0.125, "c")], features)
        assert verdict.values["spread"] == pytest.approx(2 * (1.25 / 3 - 0.125)) and verdict.n == 3
        assert verdict.leave_one_out == {"a": {"spread": 1.25}, "b": {"spread": 0.25}}

    def test_a_song_without_its_feature_is_left_out_and_named(self, features):
        songs = [song(0.25, "a"), song(0.9, "b"), song(0.75, "c")]
        verdict = spread().score_set(songs, [song(0.125, "d")], features)
        assert verdict.n == 2 and set(verdict.leave_one_out) == {"a", "c"}
        (entry,) = verdict.detail["left_out"]
        assert entry == {"prompt": "b", "take": 0, "reason": "ValueError: too loud", "failed": True}
        most = spread().score_set([song(0.9, "a"), song(0.95, "b"), song(0.5, "c")], [song(0.125, "d")], features)
        assert isinstance(most, Failure) and most.cause == "ValueError: too loud"

    def test_what_the_function_refuses_or_says_whole_is_handed_on(self, features):
        assert spread().score_set([song(0.5)], [], features) == NotApplicable("there is no reference")
        scores = Scores(values={"own": 1.0}, n=2, leave_one_out={"a": {"own": 2.0}})
        metric = set_metric("own", version="1", fields=[Field("own")])(lambda songs, reference: scores)
        assert metric().score_set([song(0.5, "a"), song(0.25, "b")], [], features) == scores
        broken = set_metric("own", version="1", fields=[Field("own")])(lambda songs, reference: 1 / 0)
        assert broken().score_set([song(0.5)], [], features).cause == "ZeroDivisionError: division by zero"

    def test_a_single_prompt_has_nothing_to_be_left_out(self, features):
        verdict = spread().score_set([song(0.25), song(0.75, take=1)], [song(0.125, "d")], features)
        assert verdict.values == {"spread": 0.75} and not verdict.leave_one_out


class TestSystem:
    def test_it_is_a_system_with_a_card_from_few_words(self):
        built = tone(hertz=220.0)
        assert isinstance(built, System) and not faults_of_system(built.card) and built.availability().ready
        assert (built.card.name, built.card.version, built.card.summary) == ("tone", "3", "One tone.")
        assert built.parameters == {"hertz": 220.0, "variant": "sine"}
        assert tone(variant="square").card.name == "tone:square" and tone(variant="sine").card.name == "tone"

    def test_every_request_has_its_answer(self):
        requests = [request(take=take, style="pop") for take in range(5)]
        good, raised, refused, song, odd = tone().generate(requests)
        assert good.request is requests[0] and good.audio.samples.shape == (1, 8000)
        assert good.record.seconds > 0 and good.record.conditions == ("style text",)
        assert raised.cause == "RuntimeError: out of breath" and raised.request is requests[1]
        assert refused.cause == "no such song" and refused.request is requests[2]
        assert song.record.device == "toy"
        assert odd.cause == "TypeError: tone gave list instead of Audio, Song or Failure"

    def test_the_registry_builds_it(self, monkeypatch):
        monkeypatch.setattr(registry, "load", lambda group, name: tone)
        assert registry.build_system("tone:square", {"hertz": 100.0}).card.name == "tone:square"
        with pytest.raises(InputError, match="hertz"):
            registry.build_system("tone", {"hertz": "high"})
        with pytest.raises(InputError, match="source"):
            registry.build_system("tone=/somewhere")
