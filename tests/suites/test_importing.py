"""Prompts of other projects as suites."""

import json

import pytest
from typer.testing import CliRunner

from songbench.cli import app
from songbench.domain.errors import InputError
from songbench.domain.foreign import SOURCES as NAMED
from songbench.domain.prompt import FileAsset
from songbench.domain.suite import load_suite
from songbench.suites.importing import SOURCES, import_suite


def imported(tmp_path, source, text, name="in.txt", **options):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else "\n".join(map(json.dumps, text)), encoding="utf-8")
    return import_suite(path, source, tmp_path / "out.jsonl", force=True, **options)


def sections(result, number=0):
    lyrics = result.suite.prompts[number].lyrics
    return [(section.tag, *(section.lines or [section.seconds])) for section in lyrics.sections]


PASTE = """Title: Paper Boats
Style: indie folk, soft piano

[Intro: soft piano]
(ooh)

[Verse 1]
Paper boats along the kerb (x2)
Written by John Smith
Am  G  C  F
# softly
John: hello there

[Chorus x2]
We are **river** / we are rain
[whispered]

[Guitar Solo]

[Chorus]

[Break]
la la

[Outro]

[End]
"""


def test_a_paste_from_suno(tmp_path):
    result = imported(tmp_path, "suno", PASTE)
    (prompt,) = result.suite.prompts
    assert (prompt.id, prompt.style, prompt.language) == ("Paper-Boats", "indie folk, soft piano", "en")
    chorus = ("chorus", "We are river", "we are rain")
    assert sections(result) == [
        ("intro", "(ooh)"),
        ("verse", "Paper boats along the kerb", "Paper boats along the kerb", "hello there"),
        chorus,
        chorus,
        ("inst", 5.0),
        chorus,
        ("verse", "la la"),
        ("outro", 5.0),
    ]
    changes = "\n".join(result.changes)
    for words in (
        "[Intro: soft piano] is [intro], 'soft piano' is left out",
        "a line marked x2 is sung 2 times",
        "as a credit: 'Written by John Smith'",
        "as chords: 'Am G C F'",
        "as markup or a comment: '# softly'",
        "as a singer's name: 'John:'",
        "a part marked x2",
        "[whispered]: it names no section",
        "repeats the one before",
        "[break] has words, so it is [verse]",
        "left out [end]",
        "[inst] without words lasts 5 s",
    ):
        assert words in changes
    assert result.suite.remarks == ()


def test_words_without_headings_are_verses(tmp_path):
    result = imported(tmp_path, "suno", "one\ntwo\n\nthree\n---\nChorus:\nfour")
    assert sections(result) == [("verse", "one", "two"), ("verse", "three")]
    assert sections(result, 1) == [("chorus", "four")]
    assert [prompt.id for prompt in result.suite.prompts] == ["in-1", "in-2"]


def test_a_suite_whose_tags_are_mapped_keeps_everything_else(tmp_path):
    (tmp_path / "a.wav").touch()
    rows = [
        {"suite": "mine", "version": "3", "licence": "CC0-1.0", "notes": ["a note"], "seconds_per_tag": 2},
        {"id": "a", "lyrics": "[intro] [intro]\n[Verse 1]\nla", "prompt_wav": "a.wav", "tags": {"genre": "pop"},
         "reference": {"render": "rulebased", "seed": 1}, "seconds": 9, "language": "zh", "licence": "CC0-1.0"},
    ]  # fmt: skip
    result = imported(tmp_path, "suno", rows, "in.jsonl")
    (prompt,) = result.suite.prompts
    assert (result.suite.version, result.suite.notes, result.suite.licence) == ("3", ("a note",), "CC0-1.0")
    assert sections(result) == [("intro", 4.0), ("verse", "la")]
    assert prompt.prompt_audio == FileAsset(tmp_path / "a.wav") and prompt.reference is not None
    assert (prompt.seconds, prompt.language, prompt.tags) == (9, "zh", {"genre": "pop"})


def test_lines_of_levo(tmp_path):
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "p.wav").touch()
    rows = [
        {
            "idx": "夜曲_01",
            "gt_lyric": "[intro-short] ; [verse]These faded memories.I can't erase. ; [inst-medium] ; [chorus] Oh. Oh",
            "descriptions": "female, dark.",
        },
        {"idx": 7, "gt_lyric": "[verse] 你好.再见 ; [outro-long]", "auto_prompt_audio_type": "Pop"},
        {"idx": "s", "gt_lyric": "[verse] la la ; [silence]", "prompt_audio_path": "sample\\p.wav"},
    ]
    result = imported(tmp_path, "levo", rows, "sample/lyrics.jsonl")
    assert sections(result) == [
        ("intro", 5.0), ("verse", "These faded memories", "I can't erase"), ("inst", 15.0), ("chorus", "Oh", "Oh")
    ]  # fmt: skip
    assert sections(result, 1) == [("verse", "你好", "再见"), ("outro", 25.0)]
    assert [prompt.id for prompt in result.suite.prompts] == ["song-1", "7", "s"]
    assert result.suite.prompts[0].style == "female, dark." and result.suite.prompts[1].tags == {"genre": "pop"}
    assert result.suite.prompts[2].prompt_audio == FileAsset(tmp_path / "sample" / "p.wav")


def test_folders_of_yue_and_heartmula(tmp_path):
    for name, style in (("genre.txt", "pop  uplifting\nfemale"), ("tags.txt", "piano,happy")):
        (tmp_path / "songs" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "songs" / "a" / name).write_text(style)
    (tmp_path / "songs" / "a" / "lyrics.txt").write_text("[verse 1]\nPaper boats\n\n[pre-chorus]\nla\n\n[outro]\nHome")
    yue = import_suite(tmp_path / "songs", "yue", tmp_path / "yue.jsonl")
    assert (yue.suite.prompts[0].id, yue.suite.prompts[0].style) == ("a", "pop uplifting female")
    assert sections(yue) == [("verse", "Paper boats"), ("verse", "la"), ("outro", "Home")]
    heartmula = import_suite(tmp_path / "songs", "heartmula", tmp_path / "h.jsonl")
    assert (heartmula.suite.prompts[0].style, sections(heartmula)) == ("piano,happy", sections(yue))


def test_numbered_files_of_yue_go_together(tmp_path):
    for number in (1, 2):
        (tmp_path / f"lyrics_{number}.txt").write_text(f"[verse]\nsong {number}")
        (tmp_path / f"genre_{number}.txt").write_text(f"style {number}")
    result = import_suite(tmp_path, "yue", tmp_path / "out.jsonl")
    assert [(prompt.id, prompt.style) for prompt in result.suite.prompts] == [("1", "style 1"), ("2", "style 2")]


def test_a_folder_of_heartmulas_benchmark_says_the_language_by_its_name(tmp_path):
    for folder, words in (
        ("English/001", "Paper boats along the kerb"),
        ("Chinese/001", "雨落在屋顶"),
        ("x/002", "la la"),
    ):
        (tmp_path / "bench" / folder).mkdir(parents=True)
        (tmp_path / "bench" / folder / "lyrics.txt").write_text(f"[Intro]\n\n[Verse]\n{words}\n", encoding="utf-8")
        (tmp_path / "bench" / folder / "tags.txt").write_text("piano,happy")
    result = import_suite(tmp_path / "bench", "heartmula", tmp_path / "h.jsonl")
    assert [(prompt.id, prompt.language) for prompt in result.suite.prompts] == [
        ("Chinese-001", "zh"), ("English-001", "en"), ("x-002", "en")
    ]  # fmt: skip
    assert result.languages == {"zh": 1, "en": 1, "en (detected)": 1}
    assert sections(result, 1) == [("intro", 5.0), ("verse", "Paper boats along the kerb")]
    alone = import_suite(tmp_path / "bench" / "English", "heartmula", tmp_path / "e.jsonl")
    assert [(prompt.id, prompt.language) for prompt in alone.suite.prompts] == [("001", "en")]


def test_lines_of_levos_test_set(tmp_path):
    """As they stand in test100: no blank before the semicolon, sentences apart by a stop alone, two languages."""
    mandarin = (
        "[intro-medium]; [verse] 雨落在屋顶.你说不要走 ; [inst-medium]; [chorus] 我们是河流.我们是雨 ; [outro-medium]"
    )
    rows = [
        {"idx": "1", "descriptions": "pop.", "gt_lyric": mandarin},
        {"idx": "2", "gt_lyric": "[verse] Paper boats along the kerb. I know.", "auto_prompt_audio_type": "Auto"},
    ]
    result = imported(tmp_path, "levo", rows, "test100.jsonl")
    assert sections(result) == [
        ("intro", 15.0),
        ("verse", "雨落在屋顶", "你说不要走"),
        ("inst", 15.0),
        ("chorus", "我们是河流", "我们是雨"),
        ("outro", 15.0),
    ]
    assert result.languages == {"zh (detected)": 1, "en (detected)": 1}
    assert "LeVo's automatic prompt 'Auto' is left out: it is a sound that only LeVo has" in result.changes


def test_lines_of_wildsongbench(tmp_path):
    words = ("[Verse 1]\nPaper boats along the kerb\n\n[Chorus]\nWe are river", "[主歌]\n雨落在屋顶")
    rows = [
        {"prompt_index": number, "style": "indie folk", "lyrics": lyrics, "candidate_ar_seeds": [7, 8], "cot": "full"}
        for number, lyrics in enumerate(words)
    ]
    result = imported(tmp_path, "wildsongbench", rows, "wsb.jsonl")
    assert [(prompt.id, prompt.style) for prompt in result.suite.prompts] == [("0", "indie folk"), ("1", "indie folk")]
    assert sections(result, 1) == [("verse", "雨落在屋顶")]
    assert result.languages == {"en (detected)": 1, "zh (detected)": 1}
    for change in (
        "WildSongBench has 192 prompts, here are 2: published figures are of all",
        "field 'candidate_ar_seeds' is left out (2 times)",
        "field 'cot' is left out (2 times)",
    ):
        assert change in result.changes


def test_a_whole_set_needs_no_remark_on_its_size(tmp_path):
    rows = [
        {"idx": str(number), "lyric": "[verse] la. la ; [inst-short]", "text_prompt": "pop"} for number in range(100)
    ]
    result = imported(tmp_path, "tencent", rows, "test100.jsonl")
    assert sections(result, 99) == [("verse", "la", "la"), ("inst", 5.0)]
    assert not any("100 prompts" in change for change in result.changes)


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ({"idx": "a", "lyric": "[verse] la", "text_prompt": "pop", "tags": "pop"}, "field 'tags' is left out"),
        ({"idx": "a", "lyric": "[verse] la", "id": "b"}, "field 'id' is left out"),
        ({"idx": "a", "lyric": "[verse] la", "anything": [1]}, "field 'anything' is left out"),
    ],
)
def test_fields_that_no_suite_has_are_named(tmp_path, row, change):
    assert change in imported(tmp_path, "tencent", [row], "in.jsonl").changes


@pytest.mark.parametrize(
    ("spelling", "language"), [("English", "en"), ("ZH", "zh"), ("en_gb", "en-GB"), ("elvish!", "en")]
)
def test_languages_are_taken_by_name_or_code(tmp_path, spelling, language):
    row = {"prompt_index": 3, "lyrics": "[Verse]\nPaper boats along the kerb", "language": spelling}
    assert imported(tmp_path, "wildsongbench", [row], "in.jsonl").suite.prompts[0].language == language


@pytest.mark.parametrize(
    ("source", "row", "style", "seconds"),
    [
        ("yue", {"id": "a", "style": "pop", "lyrics": "[Verse]\nla", "cot": "full", "seed": 3}, "pop", None),
        ("acestep", {"prompt": "pop, sad", "lyrics": "[verse]\nla", "audio_duration": 60.5}, "pop, sad", 60.5),
        (
            "acestep",
            {"caption": "pop", "lyrics": "[verse]\nla", "duration": -1, "vocal_language": "unknown"},
            "pop",
            None,
        ),
        ("wildsongbench", {"prompt_index": 3, "style": "pop", "lyrics": "[Verse]\nla", "lang": "en"}, "pop", None),
        ("tencent", {"idx": "t1", "lyric": "[verse] la.", "text_prompt": "pop"}, "pop", None),
        ("heartmula", {"id": "h", "tags": "piano,happy", "lyrics": "[Verse]\nla"}, "piano,happy", None),
        ("songbloom", {"idx": "b", "lyrics": "[verse] la."}, "", None),
    ],
)
def test_lines_of_other_projects(tmp_path, source, row, style, seconds):
    result = imported(tmp_path, source, [row], "in.jsonl")
    (prompt,) = result.suite.prompts
    assert (prompt.style, prompt.seconds, sections(result)) == (style, seconds, [("verse", "la")])


def test_a_whole_song_without_words(tmp_path):
    result = imported(
        tmp_path, "acestep", [{"prompt": "piano", "lyrics": "[Instrumental]"}], "in.json", part_seconds=30
    )
    assert sections(result) == [("inst", 30.0)]


def test_lines_of_songbloom_have_tags_of_its_own_length(tmp_path):
    row = {"idx": "a", "lyrics": "[intro] [intro] , [verse] la. , [outro]"}
    result = imported(tmp_path, "songbloom", [row], "in.jsonl", seconds_per_tag=5)
    assert sections(result) == [("intro", 10.0), ("verse", "la"), ("outro", 5.0)]
    with pytest.raises(InputError, match="cannot hold lyrics"):
        imported(tmp_path, "songbloom", [{"idx": "a", "lyrics": "[inst] la."}], "in.jsonl")


LRC = """[ti:Paper Boats]
[ar:Someone]
[length: 01:30]
[offset:+500]
[00:00.00] 作词 : A
[00:10.50]Paper boats along the kerb
[00:30.00][00:14.50]I do <00:15.00>not <00:15.50>know
[00:20.00]
Chorus:
[00:25.00]We are river
no stamp here
"""


def test_lrc(tmp_path):
    result = imported(tmp_path, "lrc", LRC, "boats.lrc")
    assert sections(result) == [
        ("intro", 10.0),
        ("verse", "Paper boats along the kerb", "I do not know"),
        ("inst", 5.0),
        ("chorus", "We are river", "I do not know"),
    ]
    (prompt,) = result.suite.prompts
    assert (prompt.id, prompt.seconds) == ("boats", 90.0)
    changes = "\n".join(result.changes)
    assert "credit: '作词 : A'" in changes and "'no stamp here'" in changes and "names no sections" in changes


@pytest.mark.parametrize(
    "form", ["00:10.00|la la", "<00:10.00> la la", "00:10.00 la la", "[00:10]la la", "[00:10.000]la la"]
)
def test_stamps_of_every_form(tmp_path, form):
    result = imported(tmp_path, "lrc", f"{form}\n", "a.lrc")
    assert sections(result) == [("intro", 10.0), ("verse", "la la")]


def test_a_gap_after_an_empty_stamp_is_instrumental(tmp_path):
    result = imported(tmp_path, "lrc", "[00:00.00]one\n[00:05.00]\n[00:15.50]two\n[00:16.00]\n[00:17.00]three", "a.lrc")
    assert sections(result) == [("verse", "one"), ("inst", 10.5), ("verse", "two"), ("verse", "three")]
    assert load_suite(result.path).prompts[0].lyrics.sections[1].seconds == 10.5


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path):
    result = imported(tmp_path, "suno", "la la")
    before = result.path.read_bytes()
    with pytest.raises(InputError, match=r"there already.*--force"):
        import_suite(tmp_path / "in.txt", "suno", result.path)
    with pytest.raises(InputError, match="2 songs cannot be imported"):
        imported(
            tmp_path,
            "levo",
            [{"idx": "a"}, {"idx": "b", "gt_lyric": " "}, {"idx": "c", "gt_lyric": "[verse] a"}],
            "x.jsonl",
        )
    assert result.path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if "draft" in file.name] == []


@pytest.mark.parametrize(
    ("text", "name", "source", "reason"),
    [
        ("[00:01.00]", "a.lrc", "lrc", "No line has a time stamp"),
        ("[Verse]\n", "a.txt", "suno", "There are no lyrics"),
        ("la \x07", "a.txt", "suno", "control character"),
        ("[1]", "a.jsonl", "levo", "Expected a JSON object"),
        ("{", "a.jsonl", "levo", "Not valid JSON"),
        ("la", "a.txt", "levo", "in .jsonl or .json files"),
        ("la", "a.txt", "sunno", "Did you mean 'suno'"),
    ],
)
def test_what_cannot_be_imported_is_said(tmp_path, text, name, source, reason):
    with pytest.raises(InputError, match=reason):
        imported(tmp_path, source, text, name)


def test_ids_are_unique_and_become_file_names(tmp_path):
    rows = [{"id": name, "lyrics": "[Verse]\nla"} for name in ("a b", "a/b", "A-B", "été", "x" * 300, True)]
    result = imported(tmp_path, "suno", rows, "in.jsonl")
    assert [prompt.id for prompt in result.suite.prompts] == ["a-b", "a-b-2", "A-B-3", "ete", "song-5", "in"]
    assert any("id 'a b' is 'a-b'" in change for change in result.changes)


def test_every_named_source_has_an_importer():
    assert SOURCES.keys() | {"stems"} == NAMED.keys(), "stems are read by an importer of their own"


def test_the_command(tmp_path):
    (tmp_path / "paste.txt").write_text(PASTE)
    command = ["suites", "import", str(tmp_path / "paste.txt"), "--from", "suno", "--to", str(tmp_path / "s.jsonl")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert (
        "1 prompt" in result.output and "[Verse 1] is [verse]" in result.output and "songbench suites" in result.output
    )
    assert "--from" in CliRunner().invoke(app, ["suites", "import", "--help"], terminal_width=120).output
    listing = CliRunner().invoke(app, ["suites", str(tmp_path / "s.jsonl")])
    assert "We are river" in listing.output and "Nothing looks odd" in listing.output
