import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songbench.domain.text import normal_text, text_remarks

APOSTROPHES = "'‘’‛ʹʻʼ´`＇′׳ʹꞌˈˋ´΄՚＇"


@pytest.mark.parametrize("sign", APOSTROPHES)
def test_every_sign_used_as_an_apostrophe_is_one(sign):
    assert normal_text(f"I don{sign}t know, {sign}cause it{sign}s all I{sign}ve got") == (
        "I don't know, 'cause it's all I've got"
    )


@pytest.mark.parametrize(
    "text",
    [
        "don&#39;t", "don&#039;t", "don&#x27;t", "don&apos;t", "don&rsquo;t", "don&lsquo;t", "don&#8217;t", "don&#39t",
        "don&amp;#39;t", "don&amp;amp;rsquo;t", "don&AMP;#39;t", "don&#38;#39;t", "＆＃３９；".join(("don", "t")),
        "don\\'t", "don\\\\'t", "don\\u2019t", "donâ€™t", "donâ\x80\x99t", "don ́t", "d\u00ado\u200bn\ufeff'\u2060t",
        "ｄｏｎ＇ｔ", "𝓭𝓸𝓷'𝓽", "𝐝𝐨𝐧’𝐭", "ⓓⓞⓝ'ⓣ", "\u202adon't\u202c",
    ],
)  # fmt: skip
def test_ways_to_write_one_word(text):
    assert normal_text(text) == "don't"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("cafe\u0301", "café"),
        ("cafÃ©", "café"),
        ("ﬁre", "fire"),
        ("１００％", "100%"),
        ("1½ and ½", "1 1/2 and 1/2"),
        ("10²", "10 2"),
        ("Love™", "Love"),
        ("№ 1", "No 1"),
        ("Rock &amp; Roll &not you", "Rock & Roll &not you"),
        ("a\r\nb\rc\u2028d\u2029e\x0bf\x85g", "a\nb\nc\nd\ne\nf\ng"),
        ("a\u00a0b\u3000c\td", "a b c d"),
        ("1️⃣", "1"),
        ("（你好，世界）", "(你好,世界)"),
        ("5′10″", "5'10''"),
        ("CAFÉ’S", "CAFÉ'S"),
        ("“IRMÔ…", "“IRMÔ..."),
        ("\ud800", "\ufffd"),
    ],
)
def test_signs(text, normal):
    assert normal_text(text) == normal


def test_case_punctuation_numbers_and_brackets_stay():
    text = "[verse] Oh, (No!) 1,000 — “why”? 你好。24/7 $5 \\n"
    assert normal_text(text) == text


@pytest.mark.parametrize(
    ("text", "normal", "word"),
    [
        ("lоve", "love", "lоve"),
        ("Oh а night", "Oh a night", "а"),
        ("I NEED ТО go", "I NEED TO go", "ТО"),
        ("αnd", "and", "αnd"),
        ("ɡold", "gold", "ɡold"),
    ],
)
def test_look_alikes_are_latin_and_named(text, normal, word):
    assert normal_text(text) == normal
    (remark,) = text_remarks(text)
    assert f"'{word}' holds" in remark
    assert remark.endswith(f"it is read as '{dict(zip(text.split(), normal.split(), strict=True))[word]}'.")


@pytest.mark.parametrize(
    "text", ["Я тебя люблю", "а он сор", "I said хорошо а baby", "σ' αγαπώ", "日本語ですか", "Привет"]
)
def test_words_of_another_script_stay(text):
    assert normal_text(text) == text
    assert text_remarks(text) == ()


def test_remarks_name_what_cannot_be_read():
    (mixed,) = text_remarks("I λove you")
    assert "'λove'" in mixed
    assert "greek small letter lamda" in mixed
    (misread,) = text_remarks("I donâ€™t know")
    assert "read as 'don't'" in misread
    (lost,) = text_remarks("I don\ufffdt know")
    assert "U+FFFD" in lost


def test_ordinary_lyrics_have_no_remarks():
    assert text_remarks("I don’t know — café, naïve, Motörhead… 你好 baby (oh‑oh) K歌 T恤") == ()


pieces = st.sampled_from(
    ["&", "#39;", "amp;", "&#x26;", "\\", "u2019", "'", "’", "´", "Ã", "©", "â", "€", "™", "а", "o", " ", "\u0301", "½"]
)


@given(st.lists(pieces | st.characters(), max_size=30).map("".join))
def test_the_normal_form_is_a_form(text):
    normal = normal_text(text)
    assert normal_text(normal) == normal
    assert unicodedata.is_normalized("NFKC", normal)
    assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in normal)


@pytest.mark.parametrize(
    "text", ["&" + "amp;" * 30_000 + "#39;", "\\" * 90_000, "[" * 90_000, "Ã" * 90_000, "а a " * 20_000]
)
def test_long_text_takes_no_quadratic_time(text):
    normal_text(text), text_remarks(text)  # pytest's own limit of time is the test
