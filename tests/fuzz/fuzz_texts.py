"""Texts that are sung: suites, lyrics, lyrics of other projects, and what is heard of them."""

import json

from fuzz_kind import Kind, command_line, wave_file
from fuzz_mutations import mutated_json, mutated_text, written_json

LINES = [
    "[verse]\nSilver lanterns on the water\nShowing me the way to go\n\n[chorus]\nCarry me home\nOh oh oh",
    "[intro][intro]\n\n[verse]\n月亮照着大海\n我想你\n\n[inst]\n\n[bridge]\nIt's 9 o'clock, don't stop\n\n[outro]",
    "[intro][verse]Silver lanterns, on the water. Showing me the way.[chorus]Carry me home.[outro]",
    "[Verse 1]\nhello (echo)\n[Chorus x2]\nla la la\n[Guitar Solo]\n",
]
TAGS = ["[verse]", "[chorus]", "[Outro]", "[inst][inst]", "[", "]", "[]", "(", "Chorus:", "x2", "[00:01.00]", "&#x27;"]


class SuiteFiles(Kind):
    """Suite files, read and shown by ``songbench suites FILE``."""

    name = "suites"
    share = 2.0

    HEADER = {"suite": "small", "version": "1", "description": "A", "licence": "CC0-1.0", "seconds_per_tag": 1.0}
    ROWS = [
        {"id": "p0", "lyrics": LINES[0], "seconds": 20.0, "style": "folk, female voice", "language": "en"},
        {"id": "p1", "lyrics": LINES[1], "language": "zh", "tags": {"genre": "pop"}, "prompt_wav": "tone.wav"},
        {
            "id": "p2",
            "lyrics": LINES[0],
            "reference": {"render": "silence", "seed": 3},
            "prompt_wav": {"cut": "reference", "start": 1.0, "seconds": 2.0},
        },
        {"idx": "p3", "lyrics": LINES[2], "prompt_wav": "tone.wav", "licence": "CC0-1.0"},
    ]

    def __init__(self, base):
        super().__init__(base)
        self.tone = wave_file()

    def draw(self, rng):
        rows = [self.HEADER, *rng.sample(self.ROWS, rng.randint(1, 4))]
        if rng.random() < 0.5:
            at = rng.randrange(len(rows))
            rows[at] = mutated_json(rng, rows[at])
            if rng.random() < 0.2:
                rows.insert(at, rows[at])
            data = "".join(written_json(rng, row) + "\n" for row in rows).encode("utf-8", "surrogatepass")
        else:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            data = mutated_text(rng, text, ['"', "{", "}", ":", ",", "\\u0000", "\\ud800", "NaN", "1e999", *TAGS])
        return {"suite.jsonl": data, "tone.wav": self.tone}

    def read(self, folder):
        return command_line("suites", folder / "suite.jsonl") != 0


class LyricsTexts(Kind):
    """Lyrics, as everything that sings or judges reads them."""

    name = "lyrics"
    share = 2.0

    def draw(self, rng):
        return {"lyrics.txt": mutated_text(rng, rng.choice(LINES), TAGS)}

    def read(self, folder):
        from songbench.domain.language import detect_language
        from songbench.domain.lyrics import parse_lyrics
        from songbench.domain.reading import read_text
        from songbench.domain.text import normal_text, text_remarks
        from systems.rulebased.text import spoken_line
        from systems.songbloom.text.line import one_line

        text = read_text(folder / "lyrics.txt", "lyrics file")
        normal_text(text)
        text_remarks(text)
        lyrics = parse_lyrics(text, file="lyrics.txt")
        detected = detect_language(lyrics.lines)
        for line in lyrics.lines[:50]:
            spoken_line(line, detected.language)
        one_line(lyrics, 1.0)


class ForeignLyrics(Kind):
    """Lyrics as other projects write them, through ``songbench suites import`` and shown when they came through."""

    name = "imports"
    share = 1.5

    SUNO = "[Intro: guitar]\n[Verse 1]\nPaper boats (paper boats)\n\n[Chorus x2]\nWe are river\n[Guitar Solo]\n[End]\n"
    LRC = (
        "[ti:Song]\n[ar:Someone]\n[00:12.00]Paper boats along the kerb\n[00:15.30]I do not <00:16.00> know\n[01:02.9]\n"
    )
    YUE = "[verse]\nPaper boats along the kerb\n\n[chorus]\nWe are river\n\n[outro]\nCarry me home\n"
    LEVO = {
        "idx": "s1",
        "descriptions": "female, pop.",
        "gt_lyric": "[intro-short] ; [verse] Paper boats. I know ; [chorus] River",
    }
    ACE = {"prompt": "pop, sad", "lyrics": "[verse]\nPaper boats\n[inst]\n", "audio_duration": 60}
    LINE = {"idx": "s2", "lyrics": "[intro] [intro] , [verse] Paper boats along the kerb. I do not know , [outro]"}
    TENCENT = {"lyric": "[verse]\nPaper boats\n[chorus]\nRiver", "text_prompt": "pop", "id": 3}
    SOURCES = (
        *(("suno", "txt", SUNO), ("lrc", "lrc", LRC), ("yue", "txt", YUE), ("levo", "jsonl", LEVO)),
        *(("acestep", "json", ACE), ("songbloom", "jsonl", LINE), ("tencent", "jsonl", TENCENT)),
        *(
            ("wildsongbench", "jsonl", {**TENCENT, "lyrics": YUE}),
            ("heartmula", "jsonl", {"lyrics": YUE, "tags": "pop"}),
        ),
    )

    def draw(self, rng):
        source, suffix, content = rng.choice(self.SOURCES)
        if rng.random() < 0.1:
            source = rng.choice(self.SOURCES)[0]
        if isinstance(content, dict) and rng.random() < 0.6:
            data = written_json(rng, mutated_json(rng, content)).encode("utf-8", "surrogatepass")
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            data = mutated_text(rng, text, [*TAGS, "[ti:", "[00:", "<00:01>", "[Verse 2: rap]", "\\n", ";", " , "])
        return {f"{source}/file.{suffix}": data}

    def read(self, folder):
        path = next(folder.glob("*/file.*"))
        suite = folder / "made.jsonl"
        if command_line("suites", "import", path, "--from", path.parent.name, "--to", suite):
            return True
        assert command_line("suites", suite) == 0, "what was imported cannot be read"
        return False


class Words(Kind):
    """Lyrics beside what was heard of them, as ``per`` compares them; the same words twice are without error."""

    name = "words"
    share = 1.5

    LONGEST = 3000
    """Bytes; a song has no more, and aligning phonemes takes its time."""
    HEARD = (
        *(
            "It's nine o'clock on the 3rd of May, 1999",
            "one hundred percent, $5.50, the '80s",
            "月亮照着100%的大海",
            "whoa oooh la la",
        ),
        *(
            "twenty-one, 21st, 10:30pm, 3 million, 007",
            "我爱你 I love you 一二三四五",
            "naïve café — “quoted”",
            "shh mm vi xx",
        ),
    )
    WORDS = (
        "1999",
        "100%",
        "$",
        "€5",
        "½",
        "ⅷ",
        "二〇二〇",
        "一百",
        "3rd",
        "o'",
        "\u2019",
        "-",
        "1,000",
        "1.5",
        "10:30",
        "mm",
        "9" * 40,
    )

    def draw(self, rng):
        text = mutated_text(rng, rng.choice(self.HEARD), self.WORDS)[: self.LONGEST]
        transcript = (
            text if rng.random() < 0.5 else mutated_text(rng, rng.choice(self.HEARD), self.WORDS)[: self.LONGEST]
        )
        return {
            "lyrics": text,
            "heard": transcript,
            "language": rng.choice([b"en", b"zh", b"mixed", b"en-GB", b"fr", b"xx"]),
        }

    def read(self, folder):
        from metrics.functional import per
        from songbench.domain.reading import decoded_text

        lyrics, transcript = (decoded_text((folder / name).read_bytes()) for name in ("lyrics", "heard"))
        errors = per(lyrics.splitlines(), transcript, (folder / "language").read_text())
        assert errors.per >= 0 and errors.reference_length > 0
        if lyrics == transcript:
            assert errors.per == 0, f"the same words give {errors.per} %"
