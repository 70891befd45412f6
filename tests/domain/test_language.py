import langcodes
import pytest

from songbench.domain import language
from songbench.domain.errors import InputError
from songbench.domain.language import check_language, contradiction, detect_language, named_language, spoken_language

ENGLISH = [
    "la la la\nla la la la",
    "oh oh oh yeah\nna na na hey",
    "ooh ooh baby\nmmm yeah",
    "Hello world",
    "go",
    "don‘t stop",
    "Rain on the roof tonight",
    "One two three four\nfive six seven eight",
    "I am 100% sure\nWe sing it 24/7",
    "Baby baby baby oh\nlike baby baby baby no",
    "We on the block yo, skrrt skrrt\nracks on racks on racks",
    "Je t'aime she said to me that night\nunderneath the moon",
    "Despacito, baby, slow it down\nwe dance all night in this old town",
    "Amen hallelujah\nGloria in excelsis deo\nChrist is born today",
    "Nobody counted the apples in the yard",
]
OTHERS = {
    "fr": [
        "Je ne sais pas pourquoi tu pars\nLa nuit est longue sans toi",
        "La vie en rose\nQuand il me prend dans ses bras",
    ],
    "es": [
        "No sé por qué te vas\nLa noche es larga sin ti",
        "No se por que te vas\nLa noche es larga sin ti",
        "Quiero bailar contigo toda la noche\nbajo la luz de la luna",
    ],
    "vi": ["Anh yêu em nhiều lắm\nĐêm nay trời mưa", "Em khong biet vi sao anh ra di\ndem dai khong co anh"],
    "de": ["Ich weiß nicht, warum du gehst\nDie Nacht ist lang ohne dich", "Du bist mein Stern, und ich liebe dich"],
    "it": ["Non so perché te ne vai\nla notte è lunga senza te", "Volare nel blu dipinto di blu"],
    "pt": ["Não sei por que você vai\na noite é longa sem você"],
    "id": ["Aku cinta padamu selamanya\nmalam ini hujan turun"],
    "tl": ["Mahal kita sa habang buhay\nhuwag mo akong iwan"],
    "nl": ["Ik weet niet waarom je gaat\nde nacht is lang zonder jou"],
    "pl": ["Nie wiem dlaczego odchodzisz\nnoc jest długa bez ciebie"],
    "tr": ["Seni seviyorum\nbu gece yağmur yağıyor"],
    "ja": ["雨がふってる 君の街\nもう一度 会いたい", "雨がふってる", "君の名は"],
    "ko": ["비가 내려요 너의 거리에", "사랑해 baby I love you\n오늘 밤 tonight we fly away"],
    "yue": ["我哋一齊去公園唱歌\n你係咪唔記得我", "佢喺邊度 我唔知"],
    "ru": ["Я тебя люблю и не могу забыть\nночь длинная без тебя"],
}
MANDARIN = [
    "今天天气很好\n我们一起去公园唱歌",
    "我爱你",
    "月亮代表我的心\n你問我愛你有多深",
    "啦啦啦啦啦",
    "明天太陽會再升起",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english(text):
    assert detect_language(text.split("\n")).language == "en"


@pytest.mark.parametrize("text", MANDARIN)
def test_mandarin(text):
    assert detect_language(text.split("\n")).language == "zh"


@pytest.mark.parametrize(
    "text", ["我爱你 baby\nYou are my love 今晚", "今天天气很好 oh yeah", "K歌到天亮", "Baby 我们 fly away"]
)
def test_mandarin_with_english_is_mixed(text):
    assert detect_language(text.split("\n")).language == "mixed"


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in OTHERS.items() for text in texts]
)
def test_other_languages_are_never_taken_for_english_or_mandarin(language, text):
    detection = detect_language(text.split("\n"))
    assert detection.language == language
    assert detection.reason
    assert 0 < detection.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "anata wo aishiteru\nzutto soba ni ite",  # Japanese in Latin letters
        "wo ai ni\ncheng shi de ye wan mei you xing xing",  # pinyin
        "我爱你\nje t'aime de tout mon coeur\nquand la nuit tombe sur la ville",
        "I love you in the morning\nand when the night is long\nje ne sais pas pourquoi\nla nuit est longue sans toi",
    ],
)
def test_text_no_reader_is_for_is_neither_english_nor_mandarin(text):
    assert detect_language(text.split("\n")).language not in ("en", "zh", "mixed")


def test_detection_does_not_change_and_knows_when_it_knows_nothing():
    assert detect_language(["I am here"]) == detect_language(["I am here"])
    assert detect_language([]).language == detect_language(["1999", "…"]).language == "und"
    assert detect_language(["Ｈｅｌｌｏ　ｗｏｒｌｄ"]).language == "en"


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in OTHERS.items() for text in texts]
)
def test_words_that_speak_against_their_label(language, text):
    reason = contradiction("en", text.split("\n"))
    assert reason and "said to be in 'en'" in reason
    assert contradiction(language, text.split("\n")) is None


def test_labels_that_may_be_right():
    for text in ENGLISH:
        assert contradiction("en-GB", text.split("\n")) is None
        assert contradiction("mixed", text.split("\n")) is None
    for text in MANDARIN:
        assert contradiction("zh-TW", text.split("\n")) is None
    assert contradiction("en", ["Bonjour"]) is None
    assert contradiction("zh", ["我爱你 baby"]) is None


def test_english_and_mandarin_under_the_other_label():
    assert contradiction("zh", ["Rain on the roof tonight"])
    assert contradiction("en", ["今天天气很好"])
    assert contradiction("en", ["我爱你 baby"])


@pytest.mark.parametrize(
    ("text", "code", "spoken"),
    [
        ("en", "en", "en"),
        ("EN", "en", "en"),
        ("en_gb", "en-GB", "en"),
        ("eng", "en", "en"),
        (" zh-cn ", "zh-CN", "zh"),
        ("ZH", "zh", "zh"),
        ("cmn", "zh", "zh"),
        ("cmn-Hans-CN", "zh-Hans-CN", "zh"),
        ("zh-cmn-hans", "zh-Hans", "zh"),
        ("zh-yue", "yue", "yue"),
        ("yue-HK", "yue-HK", "yue"),
        ("zh-Latn-pinyin", "zh-Latn-pinyin", "zh-Latn"),
        ("pt-br", "pt-BR", "pt"),
        ("nan", "nan", "nan"),
        ("Mixed", "mixed", "mixed"),
        ("und", "und", "und"),
        ("mul", "mul", "mul"),
        ("EN", "en", "en"),
        (" Zh ", "zh", "zh"),
    ],
)
def test_codes(text, code, spoken):
    assert check_language(text) == code
    assert check_language(code) == code
    assert spoken_language(code) == spoken


def test_languages_with_names_are_written_as_the_standard_writes_them():
    for code in set(language._NAMES) - {language.MIXED}:
        assert langcodes.standardize_tag(code) == langcodes.Language.get(code).language == code


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("english", "en"),
        ("jp", "ja"),
        ("cn", "zh"),
        ("中文", "zh"),
        ("zh+en", "mixed"),
        ("xx", None),
        ("", None),
        ("en-", None),
        ("two words", None),
    ],
)
def test_what_is_no_code_is_refused_with_the_cure(text, instead):
    with pytest.raises(InputError, match="BCP 47") as error:
        check_language(text)
    assert error.value.field == "language"
    assert (f"'{instead}' instead" in str(error.value)) == (instead is not None)


@pytest.mark.parametrize(
    ("name", "code"), [("English", "en"), (" KOREAN ", "ko"), ("zh", "zh"), ("001", None), ("songs", None)]
)
def test_languages_by_their_names(name, code):
    assert named_language(name) == code
