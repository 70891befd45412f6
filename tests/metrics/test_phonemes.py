from metrics.functional.phonemes import sounds_of, unit_of
from songbench.domain.spoken import spoken_words


def words_of(text):
    return tuple(word for entry in spoken_words(text) for word in entry.usual)


def phonemes_of(lines):
    return [tuple(token for word in words_of(line) for token in sounds_of([word])[word]) for line in lines]


def test_known_english_words():
    assert phonemes_of(["Hello, world!"]) == [("h", "ə", "l", "oʊ", "w", "ɜː", "l", "d")]
    assert phonemes_of(["choose fire"]) == [("tʃ", "uː", "z", "f", "aɪɚ")]


def test_mandarin_is_initials_and_finals_without_tone():
    assert phonemes_of(["我爱你"]) == [("uo", "ai", "n", "i")]
    assert phonemes_of(["妈麻马骂"]) == [("m", "a") * 4]
    assert phonemes_of(["嗯"]) == [("n",)]
    assert phonemes_of(["〇"]) == phonemes_of(["零"])


def test_simplified_and_traditional_agree():
    simplified, traditional = phonemes_of(["音乐响起我们走着长大干杯", "音樂響起我們走著長大乾杯"])
    assert simplified == traditional
    assert (
        [unit_of(word) for word in "音乐走着"] == [unit_of(word) for word in "音樂走著"] == ["in", "le", "zou", "zhe"]
    )


def test_mixed_lines_are_read_by_script():
    assert phonemes_of(["我爱你 baby 3"]) == [("uo", "ai", "n", "i", "b", "eɪ", "b", "i", "θ", "ɹ", "iː")]
    assert phonemes_of(["我爱你 3"]) == [("uo", "ai", "n", "i", "s", "an")]


def test_equal_words_have_equal_phonemes_wherever_lines_break():
    sentences = phonemes_of(["the hour of the apple", "read to a friend"])
    broken = phonemes_of(["the hour", "of the apple read to", "a friend"])
    assert sum(sentences, ()) == sum(broken, ())
    assert sounds_of(["read", "apple"]) == {**sounds_of(["apple"]), **sounds_of(["read"])}


def test_punctuation_case_and_brackets_do_not_count_but_bracketed_words_do():
    assert words_of("(Ooh, yeah!) It’s — GONE…") == ("ooh", "yeah", "it's", "gone")
    assert phonemes_of(["", "…!", "♪"]) == [(), (), ()]


def test_numbers_are_read():
    assert phonemes_of(["42"]) == phonemes_of(["forty two"])
    assert words_of("1,000 miles") == ("one", "thousand", "miles")
    assert phonemes_of(["等了3年"]) == phonemes_of(["等了三年"])
