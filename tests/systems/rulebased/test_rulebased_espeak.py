"""The speech library keeps global state; no trace of it may reach the next utterance."""

import random

import numpy as np
import pytest

from songbench.domain.errors import InputError
from systems.rulebased.espeak import say
from systems.rulebased.speech import speak
from systems.rulebased.syllables import VOICES

TEXTS = {"en": ("The road is long", "my old guitar is sleeping", "run"), "zh": ("jin1 tian1", "wo3 men5 yi4 qi3 qu4")}


@pytest.mark.parametrize("f0", [0, 100])
def test_an_utterance_is_the_same_whatever_was_said_before(f0: int) -> None:
    utterances = [(voice, text) for (language, _), voice in VOICES.items() for text in TEXTS[language]]
    first = {one: say(one[1], one[0], 125, f0) for one in utterances}
    for voice, text in random.Random(3).sample(utterances * 3, 3 * len(utterances)):
        again = say(text, voice, 125, f0)
        assert np.array_equal(again.samples, first[voice, text].samples), (voice, text)
        assert again.phonemes == first[voice, text].phonemes


def test_plain_speech_is_the_same_each_time() -> None:
    english, rate = speak(["Cold morning light", "月亮"], "mixed")
    speak(["Something else"], "en", "male")
    two, _ = speak(["Cold morning light", "月亮"], "mixed")
    assert rate == 22_050
    assert np.array_equal(english, two)


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(InputError, match="no voice 'xx-nowhere'"):
        say("hello", "xx-nowhere")
