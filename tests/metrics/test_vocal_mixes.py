"""Ratings of an accompaniment together with its vocal: what is mixed, what is stored, what is not applicable."""

import numpy as np
import pytest
from tiny_models import Direct, silence, sound

from metrics.song_inputs import mixes, with_vocals
from metrics.songeval import SONGEVAL_CARD, SongEval, songeval_mix
from songbench.contracts.conflicts import conflicts_among
from songbench.domain.audio import AudioFile
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.mixing import MIX_RULE, mix_with_vocal
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.domain.vocal_mix import VocalMix
from songbench.plugin import Feature

VOCAL, BAND = sound(3.0, seed=1), sound(2.5, seed=2)


def accompaniment(vocal=VOCAL, band=BAND):
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"), track="v2a")
    return Song(request=Request(prompt=prompt, take=0, seed=0, vocal=vocal), source=band)


class Listener:
    """Stands for the model: says how loud what it hears is, five times."""

    name = "listener"

    def __init__(self):
        self.inputs = []

    def extract(self, sources):
        for source in sources:
            audio = source.load()
            self.inputs.append(audio)
            yield Feature({"ratings": np.full(5, 1 + 4 * min(1, float(np.abs(audio.samples).mean())), np.float32)})


def test_the_mix_is_made_by_the_rule_and_known_by_rule_and_contents():
    mix = VocalMix(VOCAL, BAND)
    expected = mix_with_vocal(VOCAL.load(), BAND.load())
    assert np.array_equal(mix.load().samples, expected.samples) and mix.load().rate == expected.rate
    again = VocalMix(sound(3.0, seed=1), sound(2.5, seed=2))
    assert mix.digest == again.digest and len(mix.digest) == 64
    assert len({mix.digest, VocalMix(BAND, VOCAL).digest, VocalMix(VOCAL, VOCAL).digest, BAND.digest}) == 4
    assert MIX_RULE.endswith("1"), "another rule is another digest"


def test_the_two_columns_hear_the_mix_and_the_accompaniment():
    listener = Listener()
    songs = [accompaniment(), accompaniment(vocal=None), accompaniment(band=VOCAL)]
    first, without, second = SongEval(SONGEVAL_CARD, listener, with_vocals).score(songs, Direct())
    assert isinstance(first, Scores) and isinstance(second, Scores)
    assert isinstance(without, NotApplicable) and "no vocal to mix with" in without.reason
    assert [audio.samples.shape[0] for audio in listener.inputs] == [2, 2]
    assert mixes(songs, Direct()) == [song.source for song in songs]
    alone = next(iter(SongEval(SONGEVAL_CARD, Listener()).score(songs[:1], Direct())))
    assert alone.values != first.values


def test_a_vocal_that_cannot_be_read_is_a_failure_of_its_song_alone(tmp_path):
    class Careful(Listener):
        def extract(self, sources):
            for source in sources:
                try:
                    yield from super().extract([source])
                except Exception as error:
                    yield Failure("feature", str(error))

    (tmp_path / "vocal.wav").write_bytes(b"no sound")
    songs = [accompaniment(vocal=AudioFile(tmp_path / "vocal.wav")), accompaniment()]
    broken, other_verdict = SongEval(SONGEVAL_CARD, Careful(), with_vocals).score(songs, Direct())
    assert isinstance(broken, Failure) and "vocal.wav" in broken.cause and isinstance(other_verdict, Scores)


def test_the_card_is_of_the_track_and_names_the_judge_s_interests():
    card = songeval_mix(loudness=-16).card
    assert card.id == "songeval@songeval-mix" and card.tracks == ("v2a",)
    assert card.procedure.loudness == "-16 LUFS" and MIX_RULE in card.procedure.rate
    reasons = " ".join(conflict.why for conflict in conflicts_among(card, ["ladaband_upstream"]))
    assert "hears through MuQ" in reasons and "chosen by this very scorer" in reasons
    assert conflicts_among(card, ["oracle"]) == ()


@pytest.mark.parametrize(("vocal", "band"), [(silence(), BAND), (VOCAL, silence()), (sound(0.3), BAND)])
def test_silence_and_moments_are_mixed_too(vocal, band):
    mix = VocalMix(vocal, band).load()
    assert np.isfinite(mix.samples).all() and mix.samples.any()
