"""Where songs come from: suites, manifests, folders, two forks' layouts, rules; and when their sections sound."""

import json
import random

import numpy as np
import pytest
import torch
from prepared_cases import LYRICS, SECTIONS, write_song

from songbench.domain.errors import InputError
from songbench.domain.lyric_timing import time_lyrics
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.song import TimedSection, TimedWord
from songbench.domain.suite import load_suite
from systems.songbloom.text.vocabulary import RELEASED
from systems.songbloom.training.data.finding import find_source
from systems.songbloom.training.data.rulebased_source import RulebasedSource, drawn_lyrics
from systems.songbloom.training.data.section_times import check_sections, sections_from_words
from systems.songbloom.training.data.songs import RenderedAudio, SymbolSection
from systems.songbloom.training.data.suite_source import suite_path
from systems.songbloom.training.data.symbols import SymbolWriter
from systems.songbloom.training.data.tensor_folders import symbol_sections

WORDS = "我们走过长长的小路月光照着旧时的灯火"
TIMES = tuple(TimedSection(one["tag"], one["start"], one["end"]) for one in SECTIONS)


def lines(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


class TestManifests:
    def test_own_lines(self, tmp_path):
        write_song(tmp_path / "audio", "one", lyrics=None, sections=None)
        write_song(tmp_path / "audio", "two")
        sung = [{**SECTIONS[1], "lines": ["我们走过长长的小路"]}, {**SECTIONS[0], "tag": "outro", "start": 3, "end": 4}]
        sounding = [{"text": "我", "start": 1, "end": 2}]
        path = lines(
            tmp_path / "songs.jsonl",
            {"id": "one", "audio": "audio/one.wav", "lyrics": LYRICS, "language": "zh", "sections": SECTIONS},
            {"id": "two", "audio": "audio/two.wav", "take": 1},
            {"id": "three", "audio": "audio/one.wav", "sections": sung, "sketch_tokens": [1, 2, 3]},
            {"id": "words", "audio": "audio/one.wav", "lyrics": LYRICS, "words": sounding},
        )
        source = find_source(str(path))
        first, two, three, words = source.songs()
        assert not source.faults
        assert (first.id, first.language, first.sections, first.times) == ("one", "zh", TIMES, "given")
        assert first.lyrics.tags == ("intro", "verse", "chorus")
        assert (two.id, two.sections, two.lyrics) == ("two_s1", TIMES, first.lyrics)
        assert three.lyrics.tags == ("verse", "outro")
        assert three.lyrics.sections[1].seconds == 1
        assert three.tensors.tokens().tolist() == [1, 2, 3]
        assert (words.times, words.words) == ("words", (TimedWord("我", 1, 2),))
        assert first.audio().load().rate == 48_000
        assert len({song.key() for song in (first, two, three, words)}) == 4

    def test_the_forks_lines(self, tmp_path):
        write_song(tmp_path, "a", lyrics=None, sections=None)
        write_song(tmp_path, "style", lyrics=None, sections=None, seconds=1)
        np.savez(tmp_path / "a.npz", sketch=np.arange(4))
        torch.save({"sketch": torch.arange(5)}, tmp_path / "a.pt")
        np.save(tmp_path / "a.npy", np.arange(6))
        row = {
            "audio_path": str(tmp_path / "a.wav"),
            "lyrics": "[verse] 我们走过. 长长的小路.",
            "prompt_wav": "style.wav",
        }
        suffixes = ("npz", "pt", "npy")
        rows = [{**row, "idx": suffix, "sketch_path": f"a.{suffix}"} for suffix in suffixes]
        songs = find_source(str(lines(tmp_path / "train.jsonl", *rows))).songs()
        assert [song.id for song in songs] == ["npz", "pt", "npy"]
        assert [len(song.tensors.tokens()) for song in songs] == [4, 5, 6]
        assert songs[0].lyrics.lines == ("我们走过", "长长的小路")
        assert songs[0].times == "none"
        assert songs[0].prompt.load().seconds == 1

    def test_lines_that_cannot_be_used_are_named(self, tmp_path):
        write_song(tmp_path, "a", lyrics=None, sections=None)
        path = lines(
            tmp_path / "songs.jsonl",
            {"id": "good", "audio": "a.wav", "lyrics": LYRICS},
            {"id": "gone", "audio": "b.wav", "lyrics": LYRICS},
            {"id": "wordless", "audio": "a.wav"},
            {"id": "hook", "audio": "a.wav", "lyrics": "[hook]\nla"},
            {"id": "typo", "audio": "a.wav", "lyric": LYRICS},
            {"audio": "a.wav", "lyrics": LYRICS},
            {"id": "late", "audio": "a.wav", "lyrics": LYRICS, "sections": [{"tag": "verse", "start": -1, "end": 2}]},
        )
        with open(path, "a") as file:
            file.write("{broken\n")
        source = find_source(str(path))
        assert [song.id for song in source.songs()] == ["good"]
        reasons = {fault.id: fault.reason for fault in source.faults}
        assert list(reasons) == ["gone", "wordless", "hook", "typo", "line 6", "late", "line 8"]
        assert "line 2: There is no file 'b.wav'" in reasons["gone"]
        assert "lyrics are not known" in reasons["wordless"] and "a.txt" in reasons["wordless"]
        assert "Unknown section tag [hook]" in reasons["hook"]
        assert "field 'lyric': There is no such field. Did you mean 'lyrics'" in reasons["typo"]
        assert "field 'id'" in reasons["line 6"]
        assert "sections[0].start" in reasons["late"]

    def test_files_of_tensors_that_hold_something_else(self, tmp_path):
        write_song(tmp_path, "a")
        row = {"id": "a", "audio": "a.wav", "sketch_path": "a.npy"}
        path = lines(tmp_path / "songs.jsonl", row)
        np.save(tmp_path / "a.npy", np.ones(5))
        (song,) = find_source(str(path)).songs()
        with pytest.raises(InputError, match=r"whole numbers in a row, not float64 of shape \(5,\)"):
            song.tensors.tokens()
        np.save(tmp_path / "a.npy", np.array([object()]), allow_pickle=True)
        with pytest.raises(InputError, match="cannot be read"):
            song.tensors.tokens()


class TestFolders:
    def test_sound_files_with_texts_beside_them(self, tmp_path):
        write_song(tmp_path, "noted")
        write_song(tmp_path, "written", lyrics=None, sections=None).with_suffix(".txt").write_text(LYRICS)
        write_song(tmp_path, "silent about it", lyrics=None, sections=None)
        source = find_source(str(tmp_path))
        json_song, text_song = source.songs()
        assert (json_song.id, json_song.times, text_song.id, text_song.times) == ("noted", "given", "written", "none")
        assert json_song.lyrics == text_song.lyrics
        assert [fault.id for fault in source.faults] == ["silent about it"]

    def test_an_export_of_songs(self, tmp_path):
        path = write_song(tmp_path, "one.take0", lyrics=None, sections=None)
        prompt = {"id": "one", "lyrics": parse_lyrics(LYRICS).to_json(), "language": "zh"}
        record = {"schema": "songbench.exported-song/1", "prompt": prompt, "sections": SECTIONS, "song": {"take": 0}}
        path.with_suffix(".json").write_text(json.dumps(record))
        lines(tmp_path / "manifest.jsonl", {"id": "one", "audio": path.name, "take": 0})
        (song,) = find_source(str(tmp_path)).songs()
        assert (song.id, song.language, song.sections) == ("one", "zh", TIMES)
        assert song.lyrics == parse_lyrics(LYRICS)

    def test_what_whisperx_writes(self, tmp_path):
        path = write_song(tmp_path, "one", lyrics=None, sections=None)
        path.with_suffix(".txt").write_text(LYRICS)
        times = [1 + number / 10 for number in range(len(WORDS))]
        words = [{"word": sign, "start": at, "end": at + 0.1} for sign, at in zip(WORDS, times, strict=True)]
        words.insert(3, {"word": "2024"})  # what it cannot align has no times
        path.with_suffix(".json").write_text(json.dumps({"segments": [], "word_segments": words, "language": "zh"}))
        (song,) = find_source(str(tmp_path)).songs()
        assert (song.times, song.language, len(song.words)) == ("words", "zh", len(WORDS))
        sections = sections_from_words(song.lyrics, song.words, 4.0)
        assert [section.start for section in sections] == [0, 1, pytest.approx(times[9])]
        path.with_suffix(".json").write_text(json.dumps({"word_segments": ["a"]}))
        source = find_source(str(tmp_path))
        assert source.songs() == [] and "WhisperX's list of words" in source.faults[0].reason

    def test_the_forks_folders(self, tmp_path):
        for name in ("a", "b", "unfinished", "odd"):
            folder = tmp_path / name
            folder.mkdir()
            torch.save(torch.randn(8, 50), folder / "x_latent.pt")
            torch.save(torch.arange(50), folder / "x_sketch.pt")
            (folder / "lyrics.txt").write_text("[intro] , [verse] w o3 m en5 . z ou3\n")
        (tmp_path / "odd" / "lyrics.txt").write_text("w o3 , [verse] m en5")
        times = [["[intro]", 0, 1], ["verse", 1.0, 2.0]]
        for name, value in (("a", {"structure_duration": times}), ("b", {"duration": 2}), ("odd", {})):
            (tmp_path / name / "meta.json").write_text(json.dumps(value))
        source = find_source(str(tmp_path))
        first, second = source.songs()
        assert (first.id, first.audio, first.times, second.times) == ("a", None, "given", "none")
        assert first.lyrics == (SymbolSection("intro", "[intro]"), SymbolSection("verse", "[verse] w o3 m en5 . z ou3"))
        assert first.tensors.latent_frames().shape == (50, 8)
        assert first.tensors.tokens().tolist() == list(range(50))
        assert [fault.id for fault in source.faults] == ["odd"]
        assert "begins with 'w'" in source.faults[0].reason

    def test_what_is_no_source(self, tmp_path):
        with pytest.raises(InputError, match="There is no suite, manifest or folder 'nothing'"):
            find_source("nothing")
        with pytest.raises(InputError, match="no songs in this folder"):
            find_source(str(tmp_path))
        write_song(tmp_path, "a")
        with pytest.raises(InputError, match="go with a suite"):
            find_source(str(tmp_path), audio=tmp_path)


class TestSuites:
    def test_rendered_references_sing_the_lyrics(self):
        source = find_source("demo")
        suite = load_suite(suite_path("demo"))
        songs = source.songs()
        assert [song.id for song in songs] == [prompt.id for prompt in suite.prompts]
        assert all(song.exact for song in songs)
        assert [song.lyrics for song in songs] == [prompt.lyrics for prompt in suite.prompts]
        assert len({song.key() for song in songs}) == len(songs)

    def test_recordings_of_prompts(self, tmp_path):
        write_song(tmp_path / "audio", "one", lyrics=None)
        write_song(tmp_path / "audio", "one_s1", lyrics=None, sections=None)
        rows = [{"id": name, "lyrics": LYRICS} for name in ("one", "two")]
        path = lines(tmp_path / "suite.jsonl", *rows)
        source = find_source(str(path), audio=tmp_path / "audio")
        first, second = source.songs()
        assert (first.id, first.times, second.id, second.times) == ("one", "given", "one_s1", "none")
        assert first.lyrics == parse_lyrics(LYRICS)
        assert [(fault.id, fault.reason) for fault in source.faults] == [("two", "There is no recording of it.")]

    def test_recorded_references_need_a_word(self, tmp_path):
        write_song(tmp_path, "reference", lyrics=None, sections=None)
        path = lines(tmp_path / "suite.jsonl", {"id": "one", "lyrics": LYRICS, "reference": "reference.wav"})
        source = find_source(str(path))
        assert source.songs() == []
        assert "nothing says that it sings these lyrics" in source.faults[0].reason
        assert [song.id for song in find_source(str(path), references=True).songs()] == ["one"]


class TestRules:
    def test_as_many_as_are_wanted(self):
        few, many = (RulebasedSource(count, 20, 3, ("en", "zh")).songs() for count in (4, 9))
        assert [song.key() for song in few] == [song.key() for song in many][:4]
        assert [song.language for song in few] == ["en", "zh", "en", "zh"]
        assert len({song.key() for song in many}) == 9
        assert RulebasedSource(4, 20, 4, ("en", "zh")).songs()[0].key() != few[0].key()

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("seconds", [6, 12, 30, 90, 200])
    def test_lyrics_are_about_as_long_as_the_song(self, language, seconds):
        for seed in range(5):
            lyrics = drawn_lyrics(seconds, language, random.Random(seed))
            length = time_lyrics(lyrics, language).seconds
            assert 0.3 * seconds < length < 1.4 * seconds
            assert "verse" in lyrics.tags
            if seconds >= 30:
                assert "chorus" in lyrics.tags

    def test_a_song_knows_its_times(self):
        (song,) = RulebasedSource(1, 6, 0, ("zh",)).songs()
        rendered = song.audio()
        assert isinstance(rendered, RenderedAudio)
        assert [section.tag for section in rendered.sections] == list(song.tags)
        assert rendered.source.load().seconds == pytest.approx(6, abs=1)

    def test_numbers_out_of_range(self):
        with pytest.raises(InputError, match="6 to 600 s, not 3"):
            RulebasedSource(1, 3)
        with pytest.raises(InputError, match="Allowed: en, zh"):
            RulebasedSource(1, 30, languages=("jp",))


class TestTimes:
    LYRICS = parse_lyrics(
        "[intro] [intro]\n\n[verse]\nMorning comes in slowly\nover the railway line\n\n[inst] [inst] [inst]\n\n"
        "[chorus]\nRun with me into the night\n\n[outro]\n"
    )

    def words(self):
        texts = {2.0: "morning comes in", 3.0: "slowly over", 5.0: "that rail line", 12.0: "Run, with me tonight"}
        return [
            TimedWord(word, start + number / 10, start + number / 10 + 0.1)
            for start, text in texts.items()
            for number, word in enumerate(text.split())
        ]

    def test_sections_from_words(self):
        intro, verse, inst, chorus, outro = sections_from_words(self.LYRICS, self.words(), 20.0)
        assert (intro.start, intro.end) == (0, 2.0)
        assert verse.start == 2.0
        assert (inst.start, inst.end) == (pytest.approx(5.3), 12.0)
        assert chorus.start == 12.0
        assert (outro.start, outro.end) == (pytest.approx(12.3), 20.0)

    def test_parts_without_words_share_the_gap_by_their_lengths(self):
        lyrics = parse_lyrics("[verse]\none two\n\n[inst]\n\n[outro] [outro] [outro]\n")
        words = [TimedWord("one", 0, 1), TimedWord("two", 1, 2)]
        assert [one.start for one in sections_from_words(lyrics, words, 10)] == [0, 2, 4]

    def test_words_of_other_lyrics(self):
        with pytest.raises(InputError, match=r"Of the 6 words of section 4, \[chorus\], 0 are among the timed words"):
            sections_from_words(self.LYRICS, self.words()[:8], 20.0)

    def test_mandarin_is_matched_by_character(self):
        lyrics = parse_lyrics("[verse]\n我们走过小路\n\n[chorus]\n月光照着你\n")
        words = [TimedWord(sign, number, number + 1) for number, sign in enumerate("我们走国小路月光照着你")]
        assert [one.start for one in sections_from_words(lyrics, words, 12)] == [0, 6]

    def test_given_times_are_checked(self):
        tags = ("intro", "verse", "chorus")
        assert check_sections(TIMES, tags, 4.0) == list(TIMES)
        assert check_sections(TIMES, tags, 3.5)[-1] == TimedSection("chorus", 2.5, 3.5)
        with pytest.raises(InputError, match=r"of \[intro\] \[verse\] \[chorus\], the lyrics have \[verse\]"):
            check_sections(TIMES, ("verse",), 4.0)
        with pytest.raises(InputError, match=r"last until 4\.0 s, the audio 2\.9 s"):
            check_sections(TIMES, tags, 2.9)
        swapped = (TIMES[0], TimedSection("verse", 3, 4), TimedSection("chorus", 2, 3))
        with pytest.raises(InputError, match="out of order"):
            check_sections(swapped, tags, 4.0)


class TestSymbols:
    writer = SymbolWriter(RELEASED, 1.0, 25.0)

    def test_as_at_inference_but_with_the_true_lengths(self):
        times = [TimedSection("intro", 0, 3.1), TimedSection("verse", 3.1, 6), TimedSection("chorus", 6, 8)]
        sections, silent = self.writer.sections(parse_lyrics(LYRICS), times, 200)
        symbols = [[RELEASED.symbols[one] for one in section.symbols] for section in sections]
        assert symbols[0] == ["[intro]"] * 3
        assert symbols[1][:5] == ["[verse]", "w", "o3", "m", "en5"]
        assert [(one.start, one.end) for one in sections] == [(0, 78), (77, 150), (150, 200)]
        assert silent == ()
        untimed, _ = self.writer.sections(parse_lyrics(LYRICS), None, 200)
        assert len(untimed[0].symbols) == 2
        assert all((one.start, one.end) == (0, 200) for one in untimed)

    def test_symbols_are_taken_as_they_are(self):
        sections, silent = self.writer.sections(symbol_sections("[intro] [intro] , [verse] w o3 QQ", "x"), None, 10)
        assert [len(one.symbols) for one in sections] == [2, 3]
        assert silent == ("QQ",)

    def test_other_scripts_are_refused(self):
        with pytest.raises(InputError, match="SongBloom cannot sing"):
            self.writer.sections(parse_lyrics("[verse]\nДоброе утро\n"), None, 10)
