"""The phoneme error rate of texts: the same words in whatever spelling cost nothing, other words cost something."""

import itertools
import json

import numpy as np
import pytest
from shared_files import shared

from metrics.functional import per
from metrics.functional.phonemes import sounds_of
from metrics.functional.readings import closest_readings
from metrics.per import compare
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.spoken import SpokenWord
from songbench.domain.suite import load_suite

ENGLISH = [
    ("I am one hundred percent sure", "I am 100% sure"),
    ("I am a hundred percent sure", "I am 100 % sure"),
    ("one hundred per cent", "100 percent"),
    ("we sing it twenty four seven", "we sing it 24/7"),
    ("we sing it twenty-four seven", "we sing it 24-7"),
    ("back in nineteen ninety nine", "back in 1999"),
    ("back in nineteen ninety nine", "back in 1 9 9 9".replace("1 9 9 9", "19 99")),
    ("one thousand nine hundred and ninety nine", "1999"),
    ("one thousand nine hundred ninety nine bottles", "1,999 bottles"),
    ("nineteen oh five", "1905"),
    ("nineteen hundred", "1900"),
    ("in two thousand and eight", "in 2008"),
    ("in twenty oh eight", "in 2008"),
    ("twenty twenty four", "2024"),
    ("two thousand twenty four", "2024"),
    ("a hundred dollar kind of day", "a $100 kind of day"),
    ("a million dollars", "$1 million"),
    ("one million dollars", "$1,000,000"),
    ("five dollars fifty", "$5.50"),
    ("five dollars and fifty cents", "$5.50"),
    ("twenty pounds", "£20"),
    ("fifty cents", "50¢"),
    ("ten thousand hours", "10,000 hours"),
    ("ten thousand hours", "10k hours"),
    ("ten k hours", "10K hours"),
    ("it is seven thirty", "it is 7:30"),
    ("it is half past seven", "it is 7:30"),
    ("wake me at seven p.m.", "wake me at 7 PM"),
    ("wake me at seven thirty a m", "wake me at 7:30 a.m."),
    ("seven o'clock", "7:00"),
    ("quarter to eleven", "10:45"),
    ("twelve oh five", "12:05"),
    ("the first time", "the 1st time"),
    ("the twenty first night", "the 21st night"),
    ("my second and third and fourth", "my 2nd and 3rd and 4th"),
    ("in the nineteen eighties", "in the 1980s"),
    ("in the nineties", "in the ’90s"),
    ("in the nineties", "in the 90's"),
    ("all my fives", "all my 5s"),
    ("three point five", "3.5"),
    ("zero point five", "0.5"),
    ("point five", ".5"),
    ("version two point oh", "version 2.0"),
    ("minus five degrees", "-5°"),
    ("minus five", "-5"),
    ("ninety eight point six degrees", "98.6°F"),
    ("five to six", "5-6"),
    ("nine to five", "9–5"),
    ("five six", "5-6"),
    ("eight six seven five three oh nine", "867-5309"),
    ("eight six seven fifty three oh nine", "867-5309"),
    ("nine one one", "911"),
    ("nine eleven", "9/11"),
    ("double oh seven", "007"),
    ("zero zero seven", "007"),
    ("seven forty seven", "747"),
    ("one oh one", "101"),
    ("one hundred and one", "101"),
    ("you are my number one", "you are my #1"),
    ("you are my number one", "you are my No. 1"),
    ("mambo number five", "mambo №5"),
    ("one half of me", "1/2 of me"),
    ("half of me", "½ of me"),
    ("three quarters", "3/4"),
    ("one and a half", "1½"),
    ("seven eleven", "7-eleven"),
    ("seven eleven", "7-11"),
    ("one two three four", "1, 2, 3, 4"),
    ("one two three four", "1234"),
    ("twelve thirty four", "12:34"),
    ("one plus one is two", "1+1=2"),
    ("rock and roll", "rock & roll"),
    ("I am seventeen", "I am １７"),
    ("sixteen year old", "16-year-old"),
    ("twenty one pilots", "21 pilots"),
    ("ninety nine problems", "99 problems"),
    ("five hundred miles", "500 miles"),
    ("five hundred twenty five thousand six hundred minutes", "525,600 minutes"),
    ("M P three", "MP3"),
    ("U S A", "U.S.A."),
    ("Henry the eighth", "Henry VIII"),
    ("part two", "Part II"),
    ("summer of sixty nine", "summer of ’69"),
    ("twenty twenty", "2020"),
    ("two thousand one", "2001"),
    ("eighteen twelve", "1812"),
    ("ten oh four", "10:04"),
    ("ten oh four", "1004"),
    ("thirty first of december", "31st of December"),
    ("fifty fifty", "50/50"),
    ("fifty fifty", "50-50"),
    ("three a m", "3AM"),
    ("three a.m.", "3:00 AM"),
    ("three a.m.", "3 a.m."),
    ("a thousand miles", "1,000 miles"),
    ("a thousand miles", "1000 miles"),
    ("two and a half men", "2½ men"),
    ("twenty five cents", "$0.25"),
    ("twenty five cents", "25¢"),
    ("one dollar and twenty five cents", "$1.25"),
    ("three hundred sixty five days", "365 days"),
    ("one third", "1/3"),
    ("two thirds", "2/3"),
    ("nine point nine percent", "9.9%"),
    ("one million", "1000000"),
    ("one billion", "1,000,000,000"),
    ("five million", "5 million"),
    ("twelve thirty", "12:30"),
    ("seven pm", "7p.m."),
    ("five hundred k", "500k"),
    ("mid twenties", "mid-20s"),
    ("in her thirties", "in her 30s"),
    ("eighties", "80's"),
    ("two thousands", "2000s"),
    ("nineteen nineties", "1990s"),
    ("route sixty six", "Route 66"),
    ("one eight hundred five five five one two three four", "1-800-555-1234"),
    ("two four six eight", "2468"),
    ("two four six eight", "2-4-6-8"),
    ("five four three two one", "54321"),
    ("five four three two one", "5... 4... 3... 2... 1"),
    ("one two three", "1-2-3"),
    ("four twenty", "420"),
    ("four twenty", "4:20"),
    ("three sixty", "360"),
    ("one eighty", "180"),
    ("twenty ten", "2010"),
    ("hundred and ten percent", "110%"),
    ("fifty euros", "50€"),
    ("a hundred dollars", "100$"),
    ("four by four", "4x4"),
    ("two times", "2x"),
    ("three to two", "3:2"),
    ("four you", "4 you"),
    ("five hundred twelve", "512"),
    ("eighteen hundreds", "1800s"),
    ("nine eleven two thousand one", "9/11/2001"),
    ("twenty four seven three sixty five", "24/7/365"),
    ("July fourth", "July 4th"),
    ("two to the power", "2 to the power"),
    ("zero", "0"),
    ("oh", "0"),
    ("one hundredth", "100th"),
    ("twelve hundred", "1200"),
    ("forty five degrees", "45°"),
    ("two point five million dollars", "$2.5 million"),
    ("two point five million dollars", "$2.5M"),
    ("six in the morning", "6:00 in the morning"),
    ("sixteenth", "16th"),
    ("ten four", "10-4"),
    ("twenty something", "20-something"),
    ("one of a kind", "1 of a kind"),
    ("nine to five", "9 to 5"),
    ("forever twenty one", "Forever 21"),
    ("blink one eighty two", "blink-182"),
    ("nineteen", "19"),
    ("apartment four B", "apartment 4B"),
    ("area fifty one", "Area 51"),
    ("seven nation army", "7 nation army"),
    ("ninety eight degrees", "98 degrees"),
    ("one thousand and one nights", "1001 nights"),
    ("a thousand and one nights", "1,001 nights"),
    ("twenty one guns", "21 guns"),
    ("five o five", "505"),
    ("five oh five", "5:05"),
    ("party like it's nineteen ninety nine", "party like it’s 1999"),
    ("three strikes", "3 strikes"),
    ("nine million bicycles", "9,000,000 bicycles"),
    ("fifteen minutes", "15 minutes"),
    ("one point twenty one gigawatts", "1.21 gigawatts"),
    ("three fourteen fifteen", "3 14 15"),
    ("two k", "2K"),
    ("y two k", "Y2K"),
    ("hundred and one dalmatians", "101 dalmatians"),
    ("seventy six trombones", "76 trombones"),
    ("four hundred four", "404"),
    ("four oh four", "404"),
    ("five thousand", "5000"),
    ("fifty two thousand", "52,000"),
    ("sixty thousand", "60k"),
    ("minus one", "−1"),
    ("one hundred thousand", "100000"),
    ("one hundred thousand", "100,000"),
    ("the second world war", "the 2nd world war"),
    ("twentieth century", "20th century"),
    ("number nine", "#9"),
    ("number nine", "no. 9"),
    ("ten out of ten", "10/10"),
    ("one in a million", "1 in a million"),
    ("one in a million", "1 in 1,000,000"),
    ("eleven eleven", "11:11"),
    ("quarter past two", "2:15"),
    ("ten to nine", "8:50"),
    ("five five five", "555"),
    ("triple five", "555"),
    ("thirty percent off", "30% off"),
]
MANDARIN = [
    ("一百分", "100分"),
    ("一二三四五", "12345"),
    ("一二三四五", "1 2 3 4 5"),
    ("一二三四五", "123 45"),
    ("一万两千三百四十五", "12345"),
    ("一万二千三百四十五", "12,345"),
    ("二零零八年", "2008年"),
    ("二〇〇八年", "2008年"),
    ("两千零八年", "2008年"),
    ("一九九九年", "1999年"),
    ("百分之五十", "50%"),
    ("百分之百", "100%"),
    ("百分之一百", "１００％"),
    ("两点半", "2:30"),
    ("两点三十分", "2:30"),
    ("七点零五分", "7:05"),
    ("第三次", "第3次"),
    ("三块五", "3块5"),
    ("三块五", "¥3.5"),
    ("一百块", "￥100"),
    ("一百元", "￥100"),
    ("一百块", "100块"),
    ("五美元", "$5"),
    ("两个人", "2个人"),
    ("十二个月", "12个月"),
    ("二百天", "200天"),
    ("两百天", "200天"),
    ("两万", "20000"),
    ("十万", "10w"),
    ("五二零", "520"),
    ("一三一四", "1314"),
    ("幺幺零", "110"),
    ("一百一十", "110"),
    ("三点一四", "3.14"),
    ("二分之一", "1/2"),
    ("八十年代", "80年代"),
    ("九零后", "90后"),
    ("三十度", "30℃"),
    ("零下五度", "-5度"),
    ("三到五天", "3-5天"),
    ("九百九十九朵玫瑰", "999朵玫瑰"),
    ("五月二十日", "5月20日"),
    ("零下五度", "-5°C"),
    ("二十四小时", "24小时"),
    ("二〇二四年", "2024年"),
    ("一零一", "101"),
    ("一百零一", "101"),
    ("三分之一", "1/3"),
    ("百分之九十九点九", "99.9%"),
    ("零点五", "0.5"),
    ("三十而已", "30而已"),
    ("第一", "第1"),
    ("一九八四", "1984"),
    ("一万年", "10000年"),
    ("一万年", "1万年"),
    ("三千里", "3000里"),
    ("五点二十", "5:20"),
    ("早上八点", "早上8点"),
    ("早上八点", "早上8:00"),
    ("十二点一刻", "12:15"),
    ("二十一世纪", "21世纪"),
    ("八八年", "88年"),
    ("八十八年", "88年"),
    ("两百五", "250"),
    ("三百六十五天", "365天"),
    ("百分百", "100%"),
    ("一千元", "¥1,000"),
    ("三比二", "3:2"),
    ("五十块钱", "50块钱"),
    ("一公里", "1公里"),
    ("十一点", "11点"),
    ("一一", "11"),
    ("二零二零", "2020"),
    ("一百二十三万", "123万"),
    ("一千零一夜", "1001夜"),
    ("五百", "500"),
    ("九百九十九", "999"),
    ("零", "0"),
    ("七十二变", "72变"),
    ("二十块", "20块"),
    ("十二点半", "12:30"),
    ("一点零五", "1:05"),
    ("两倍", "2倍"),
    ("二加二等于四", "2+2=4"),
    ("二百五十块", "￥250"),
    ("三万五千", "35000"),
    ("三万五", "35000"),
    ("九九八十一", "99 81"),
    ("千分之一", "1‰"),
    ("十八岁", "１８岁"),
    ("两块五毛", "￥2.5"),
    ("二零零一年九月十一日", "2001年9月11日"),
    ("一亿", "100000000"),
    ("一点五倍", "1.5倍"),
    ("第一百次", "第100次"),
    ("十分钟", "10分钟"),
    ("壹佰", "100"),
    ("百分之二十五", "25%"),
    ("三四天", "3、4天"),
    ("二环", "2环"),
    ("两年", "2年"),
    ("五四三二一", "5 4 3 2 1"),
    ("五四三二一", "54321"),
    ("一三八零零一三八零零零", "13800138000"),
    ("幺三八", "138"),
]
MIXED = [
    ("我爱你 one hundred percent", "我爱你 100%"),
    ("我爱你百分之一百 baby", "我爱你100% baby"),
    ("party 到十二点 all night", "party 到12点 all night"),
    ("twenty four seven 想你", "24/7 想你"),
    ("五二零 I love you", "520 I love you"),
]
SPELLINGS = [
    ("Oooh baby", "ooh baby"),
    ("ohhh no", "oh no"),
    ("woah", "whoa"),
    ("whooooa", "woah"),
    ("mm", "mmm"),
    ("mmm hmm", "hm mm"),
    ("shh", "shhhh"),
    ("ahhh", "aah"),
    ("yeahhh yea", "yeah yeah"),
    ("soooo looooove", "so love"),
    ("freeeee", "free"),
    ("ok", "okay"),
    ("heyyy", "hey"),
    ("singin' in the rain", "singin in the rain"),
    ("the girls' night", "the girls night"),
    ("‘word’ “word” 'word'", "word word word"),
    ("naïve café", "nai\u0308ve cafe\u0301"),
    ("so\u00adft heart", "soft heart"),
    ("Ｈｅｌｌｏ", "hello"),
    ("𝓗𝓮𝓵𝓵𝓸 world", "Hello world"),
    ("lоve", "love"),
    ("音乐响起", "音樂響起"),
]


def both_ways(pairs, language):
    return [(*sides, language) for pair in pairs for sides in (pair, pair[::-1])]


@pytest.mark.parametrize(
    ("line", "transcript", "language"),
    [
        *both_ways(ENGLISH, "en"),
        *both_ways(ENGLISH[::8], "mixed"),
        *both_ways(MANDARIN, "zh"),
        *both_ways(MANDARIN[::5], "mixed"),
        *both_ways(MIXED, "mixed"),
        *both_ways(SPELLINGS, "mixed"),
    ],
)
def test_the_same_words_cost_nothing(line, transcript, language):
    errors = per([line], transcript, language)
    assert errors.per == 0
    assert (errors.substitutions, errors.deletions, errors.insertions) == (0, 0, 0)
    assert errors.reference_length > 0


@pytest.mark.parametrize("transcript", ["12345", "1 2 3 4 5", "12\n345", "1\n2\n3\n4\n5", "一二\n三45", ["123", "45"]])
def test_line_breaks_of_the_transcript_say_nothing(transcript):
    assert per(["一二三四五"], transcript, "zh").per == 0
    assert per(["12345"], transcript, "zh").per == 0
    assert per(["一二", "三四五"], transcript, "zh").per == 0


def test_line_breaks_inside_an_expression():
    assert per(["one hundred percent"], "100\n%", "en").per == per(["at seven p m"], "at 7\npm", "en").per == 0


@pytest.mark.parametrize(
    ("line", "transcript", "language"),
    [
        *both_ways([("seventeen", "70"), ("seventy", "17"), ("nineteen ninety nine", "1998")], "en"),
        *both_ways([("fifty percent", "15%"), ("1999", "2000")], "en"),
        *both_ways([("first", "2nd"), ("five dollars", "$9"), ("seven thirty", "7:40")], "en"),
        *both_ways([("the nineties", "the 80s"), ("mix", "one thousand nine")], "en"),
        *both_ways([("一百分", "十分"), ("一百分", "10分"), ("二零零八年", "2009年"), ("百分之五十", "15%")], "zh"),
        *both_ways([("oh", "ooh"), ("vi", "six"), ("xx", "twenty")], "en"),
    ],
)  # fmt: skip
def test_other_words_cost(line, transcript, language):
    assert per([line], transcript, language).per > 5


def test_one_wrong_number_costs_that_number_alone():
    line = "It was the summer of nineteen ninety nine and we were young and nothing else could matter"
    wrong = per([line], line.replace("nineteen ninety nine", "1989"), "en")
    assert 0 < wrong.per < 8
    assert wrong.deletions + wrong.insertions + wrong.substitutions < 6


def test_equal_figures_cost_nothing_and_dropped_ones_everything():
    assert per(["1999 100% 24/7 $5"], "1999, 100%, 24/7, $5", "en").per == 0
    silent = per(["1999"], "", "en")
    assert silent.per == 100
    assert silent.deletions == silent.reference_length


def test_letters_of_other_scripts_in_a_transcript_were_heard():
    errors = per(["Hello world"], "Hello world 안녕", "en")
    assert (errors.per, errors.insertions) == (25, 2)


def test_roman_numerals_and_letters_are_not_numbers():
    assert per(["vi xx mm"], "vi xx mm", "en").per == 0
    assert sounds_of(["vi"])["vi"] == (*sounds_of(["v"])["v"], *sounds_of(["i"])["i"])
    assert sounds_of(["shh"])["shh"] == ("ʃ",)
    assert sounds_of(["roman"])["roman"][:2] == ("ɹ", "oʊ")


def test_percent_and_parts():
    errors = per(["Hello world"], "hello", "en")  # h ə l oʊ of h ə l oʊ w ɜː l d
    assert (errors.per, errors.substitutions, errors.deletions, errors.insertions, errors.reference_length) == (
        50,
        0,
        4,
        0,
        8,
    )
    assert per(["go"], "go " * 6, "en").per == 500
    assert per(["Hello world"], "", "en").per == 100


def test_it_is_the_metric():
    lines, transcript = (
        ["It was 1999, 100% sure", "choose fire"],
        "it was nineteen ninety nine\na hundred percent sore choose a fire",
    )
    scores = compare(lines, {"text": transcript, "dropped": []}, "en")
    errors = per(lines, transcript, "en")
    assert errors.per == scores.values["per"]
    assert errors.reference_length == scores.weights["per"]
    assert scores.detail["phonemes"] == {
        "reference": errors.reference_length,
        "heard": scores.detail["phonemes"]["heard"],
        "sub": errors.substitutions,
        "del": errors.deletions,
        "ins": errors.insertions,
    }
    assert scores.values["coverage"] == 100


@pytest.mark.parametrize(
    ("lines", "language", "reason"),
    [
        ([], "en", "no sung lines"),
        (["…", "(♪)"], "en", "no sung lines"),
        (["Bonjour"], "fr", "only en, zh, mixed"),
        (["我哋"], "yue", "only en, zh, mixed"),
        (["wo ai ni"], "zh-Latn", "only en, zh, mixed"),
        (["Hello"], "und", "give 'language'"),
        (["No sé por qué te vas", "La noche es larga sin ti"], "en", "said to be in 'en'"),
        (["雨がふってる 君の街"], "zh", "only Japanese"),
        (["사랑해 baby I love you tonight"], "mixed", "only Korean"),
        (["Hello my love, it is a lovely day to say хорошо again to all the people"], "en", "'хорошо'"),
        (["鲜の每日"], "zh", "'の'"),
        (["I λove you"], "en", "'λ'"),
        (["我爱你"], "en", "Mandarin"),
        (["Hello world"], "zh", "English"),
        (["Hello world"], "english", "Write 'en'"),
    ],
)
def test_what_cannot_be_judged_says_why(lines, language, reason):
    with pytest.raises(InputError, match=reason):
        per(lines, "hello", language)


@pytest.mark.parametrize("code", ["en-GB", "EN", "eng", "en_US"])
def test_codes_of_the_same_language(code):
    assert per(["one hundred percent"], "100%", code).per == 0


def test_shared_apostrophes():
    def lines(path):
        return parse_lyrics(json.loads(path.read_text(encoding="utf-8"))["lyrics"]).lines

    folder = shared("cases/07_apostrophes")
    plain = lines(folder / "ascii.jsonl")
    for path in folder.glob("*.jsonl"):
        assert per(lines(path), "\n".join(plain), "en").per == 0
        assert per(plain, " ".join(lines(path)), "en").per == 0
    for sign in ("&#39;", "&rsquo;", "ʼ", "＇", "′"):
        assert per([line.replace("'", sign) for line in plain], "\n".join(plain), "en").per == 0


def test_shared_numbers():
    folder = shared("cases/08_numbers_en")
    digits, words = (
        parse_lyrics(json.loads((folder / name).read_text(encoding="utf-8"))["lyrics"]).lines
        for name in ("digits.jsonl", "words.jsonl")
    )
    assert per(digits, "\n".join(words), "en").per == 0
    assert per(words, " ".join(digits), "en").per == 0


def test_shared_languages():
    folder = shared("cases/10_language")
    languages = {}
    for path in folder.glob("*.jsonl"):
        (prompt,) = load_suite(path).prompts
        languages[path.stem] = prompt.language
        with pytest.raises(InputError, match="not applicable"):
            per(prompt.lyrics.lines, "hello", prompt.language)
    assert languages == {"fr": "fr", "ja": "ja", "ja_said": "ja"}


def brute_force(lyrics, transcript_chain, sounds):
    def distance(first, second):
        row = list(range(len(second) + 1))
        for number, token in enumerate(first, 1):
            row, before = [number], row
            for column, second_token in enumerate(second):
                row.append(min(before[column] + (token != second_token), before[column + 1] + 1, row[column] + 1))
        return row[-1]

    def tokens(chain):
        return [
            [token for reading in choice for word in reading for token in sounds[word]]
            for choice in itertools.product(*(entry.readings for entry in chain))
        ]

    return min(distance(first, second) for first in tokens(lyrics) for second in tokens(transcript_chain)), distance


def test_choices_are_the_cheapest_of_all():
    rng = np.random.default_rng(3)
    sounds = {word: tuple(word) for word in ("ab", "ba", "a", "b", "cab", "bc", "c")}
    words = list(sounds)

    def chain():
        return [
            SpokenWord(
                "x",
                tuple(dict.fromkeys(tuple(rng.choice(words, rng.integers(0, 3))) for _ in range(rng.integers(1, 4)))),
            )
            for _ in range(rng.integers(1, 5))
        ]

    for _ in range(150):
        lyrics, transcript = chain(), chain()
        least, distance = brute_force(lyrics, transcript, sounds)
        lyric_readings, transcript_readings = closest_readings(lyrics, transcript, sounds)
        assert all(
            reading in entry.readings
            for reading, entry in zip(lyric_readings + transcript_readings, lyrics + transcript, strict=True)
        )
        first, second = (
            [token for reading in side for word in reading for token in sounds[word]]
            for side in (lyric_readings, transcript_readings)
        )
        # Cutting where plain words agree may cost a little in nonsense like this; never here, where runs are short.
        assert distance(first, second) == least


@pytest.mark.parametrize("count", [18, pytest.param(60, marks=pytest.mark.slow)])
def test_long_songs_full_of_numbers_are_compared(count):
    lines = [f"{number} miles from home and {number + 1900} reasons why" for number in range(count)]
    assert per(lines, "\n".join(lines), "en").per == 0
    assert per(lines, "nothing of this was ever heard by anybody " * (2 * count // 3), "en").per > 60
