"""Words to symbols: Mandarin, English, and the quirks of training."""

import os
import subprocess
import sys
import textwrap

import pytest

from songbench.domain.errors import InputError, UnavailableError
from songbench.resources.weights import availability
from systems.songbloom.text import SONGBLOOM_TEXT, english, phonemes_of_lyrics, pronounce
from systems.songbloom.text.spelling import spelled_phones
from systems.songbloom.text.tone_sandhi import with_sandhi
from systems.songbloom.text.word_merging import merged_words

_missing = availability(SONGBLOOM_TEXT)
needs_data = pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}")


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("你好", "n i2 h ao3"),  # two third tones
        ("小老鼠", "x iao3 l ao2 sh u3"),
        ("展览馆", "zh an2 l an2 g uan3"),
        ("一天一个第一", "y i4 t ian1 y i2 g e5 d i4 y i1"),
        ("看一看", "k an4 y i5 k an4"),
        ("不怕不好看不懂", "b u2 p a4 b u4 h ao3 k an4 b u5 d ong3"),
        ("奶奶走了", "n ai3 n ai5 z ou3 l e5"),
        ("言夜月元云", "y En2 y E4 y ve4 y van2 y vn2"),
        ("居去女绿略", "j v1 q v4 n v3 l v4 l ve4"),
        ("诗字日", "sh ir1 z i04 r ir4"),
        ("爱哦恩", "AA ai4 OO o5 EE en1"),
        ("愛與夢", "AA ai4 y v3 m eng4"),  # traditional
    ],
)
def test_mandarin(text, symbols):
    assert phonemes_of_lyrics(text) == symbols


def test_more_than_one_verb_with_one_in_the_middle_stays_in_pieces():
    pieces = [("看", "v"), ("一", "m"), ("看", "v")]
    assert merged_words(pieces) == [("看一看", "v")]
    assert merged_words([*pieces, ("听", "v"), ("一", "m"), ("听", "v")])[:3] == pieces


@pytest.mark.parametrize(
    ("word", "tag", "finals", "spoken"),
    [
        ("不不", "d", ["u4", "u4"], ["u2", "u4"]),
        ("一百", "m", ["i1", "ai3"], ["i1", "ai3"]),  # numbers keep their tone
        ("桌上", "s", ["uo1", "ang4"], ["uo1", "ang5"]),
        ("所有人", "r", ["uo3", "iou3", "en2"], ["uo2", "iou3", "en2"]),
    ],
)
def test_sandhi_changes_tones_only_and_leaves_its_input_alone(word, tag, finals, spoken):
    syllables = list(finals)
    assert with_sandhi(word, tag, syllables) == spoken
    assert syllables == finals


def test_a_character_without_a_reading_is_an_error_that_names_it():
    with pytest.raises(InputError, match="'兙' has no Mandarin reading"):
        phonemes_of_lyrics("一兙米")


def test_marks_are_phones_of_their_own():
    assert phonemes_of_lyrics("你,我。她...") == "n i3 , w o3 . t a1 …"


def test_words_spelled_like_phones_and_tags_stay():
    assert phonemes_of_lyrics("[intro] , a I by my N E1") == "[intro] , a I by my N E1"


def test_spaces_are_kept():
    assert phonemes_of_lyrics("") == ""
    assert phonemes_of_lyrics("你  我") == "n i3  w o3"


@pytest.mark.parametrize("text", ["カナ", "한국", "привет", "１２", "♪", "\t"])
def test_what_has_no_sound_is_empty_here(text):
    assert phonemes_of_lyrics(text) == ""


@needs_data
@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("Hello, world!", "HH AH0 L OW1 , W ER1 L D !"),
        ("A", "EY1"),
        ("Read", "R IY1 D"),  # a homograph, by the part of speech the tagger sees
        ("read", "R EH1 D"),
        ("café", "K AH0 F EY1"),
        ("AI", "EY1 AY1"),  # spelled out, although the dictionary has a word of that spelling
        ("rock-n-roll", "R AA1 K - EH1 N - R OW1 L"),
        ("lalala", "L AA0 L AA1 L AH0"),
        ("5", "F AY1 V"),
        ("[Verse]", "V ER1 S"),  # not a tag: those are lower case
        ("love你", "L AH1 V n i3"),
        ("在2024年", "z ai4 T W EH1 N T IY0 T W EH1 N T IY0 F AO2 R n ian2"),
    ],
)
def test_english(text, symbols):
    assert phonemes_of_lyrics(text) == symbols


@needs_data
def test_every_word_is_read_when_a_text_is_read_as_a_whole():
    assert " ".join(pronounce("my I")) == "M AY1 AY1"


@needs_data
def test_a_short_token_nobody_can_read_is_silent():
    assert phonemes_of_lyrics("x'y") == ""


@needs_data
@pytest.mark.parametrize("digits", [40, 5000])
def test_a_number_without_a_name_is_an_error(digits):
    with pytest.raises(InputError, match=rf"\({digits} digits\) is too long"):
        phonemes_of_lyrics("9" * digits)


@needs_data
def test_the_dictionary_is_the_released_one():
    assert len(english._dictionary()) == 143_202 + 2 - 6


def test_spelling_is_guessed_without_any_data():
    assert spelled_phones("blorp") == ["B", "L", "AO1", "R", "P"]


def test_without_its_data_english_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    english._dictionary.cache_clear()
    pronounce.cache_clear()
    with pytest.raises(UnavailableError, match="songbench setup songbloom-text"):
        phonemes_of_lyrics("hello")
    assert phonemes_of_lyrics("你") == "n i3"


@needs_data
@pytest.mark.parametrize(
    ("text", "unneeded"),
    [("hello read 5", ("jieba", "pypinyin", "misaki")), ("你好", ("nltk", "wordsegment", "inflect", "numpy"))],
)
def test_a_language_loads_only_its_own_libraries_silently_and_without_the_network(tmp_path, text, unneeded):
    code = f"""
        import socket, sys

        def refuse(*_, **__):
            raise AssertionError("network")

        socket.socket.connect = socket.getaddrinfo = refuse
        from systems.songbloom.text import phonemes_of_lyrics

        assert phonemes_of_lyrics({text!r})
        assert "g2p_en" not in sys.modules
        print([name for name in {unneeded!r} if name in sys.modules])
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "SONGBENCH_WEIGHTS": str(_weights_folder())},
    )
    assert (process.stdout.strip(), process.stderr) == ("[]", "")


def _weights_folder():
    from songbench.resources.weights import cache_folder

    return cache_folder()
