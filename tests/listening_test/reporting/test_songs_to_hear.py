"""Players of a listening test's report: the names are told, the files are those that raters heard."""

import re

import pytest
from made_up import SYSTEMS, made_up_test

from listening_test.prepared import load_test
from listening_test.reporting.placement import HeardSong, heard_songs, song_blocks
from songbench.reporting.document.blocks import AudioPlayer, Fold, Heading, leaves
from songbench.reporting.document.html import to_html
from songbench.reporting.document.markdown import to_markdown


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heard") / "a test"
    return made_up_test(folder, "multistimulus", prompts=2, seconds=0.5)


def test_a_report_in_the_folder_of_the_test_plays_what_raters_heard(prepared):
    test, key = prepared
    place = test.folder / "report"
    songs = heard_songs(test, key, place)
    assert [(song.prompt, song.system) for song in songs] == [
        (prompt, system) for prompt in ("en-prompt-0", "zh-prompt-1") for system in SYSTEMS
    ]
    for song in songs:
        assert song.path.startswith("../audio/") and (test.folder / "audio" / song.path.rpartition("/")[2]).is_file()
    by_file = {stimulus.file: name for name, stimulus in test.stimuli.items()}
    assert all(key.stimuli[by_file[song.path.removeprefix("../")]].system == song.system for song in songs)


def test_a_report_elsewhere_has_no_players_that_would_break(prepared, tmp_path):
    test, key = prepared
    assert heard_songs(test, key, tmp_path) == ()
    assert heard_songs(load_test(test.folder), key, test.folder / "report" / "deeper")


def test_players_say_whose_song_it_is_and_what_raters_gave(report_of):
    report = report_of("acr", run=False)
    row = report.counted_data.ratings.query("scale == 'OVL' and system == 'songbloom' and kind == 'test'").iloc[0]
    song = HeardSong(system="songbloom", prompt=row["prompt"], take=0, excerpt=0, path="../audio/1.flac")
    strange = HeardSong(system="yue_7b", prompt="nobody rated it", take=0, excerpt=0, path="../audio/2.flac")
    assert song_blocks(report, ()) == []
    blocks = song_blocks(report, [song, strange])
    titles = [leaf.title for leaf in leaves(blocks) if isinstance(leaf, AudioPlayer)]
    assert re.fullmatch(r"songbloom: OVL [1-5]\.\d\d, \d+ answers", titles[0]) and titles[1] == "yue_7b"
    assert [block.title for block in blocks if isinstance(block, Fold)] == [row["prompt"], "nobody rated it"]
    page = to_html(blocks, {})
    assert page.count("<audio ") == 2 and "media-src 'self' file:" in page and "../audio/1.flac" in to_markdown(blocks)
    pairs = song_blocks(report_of("preference", run=False), [song])
    assert any("won" in leaf.title for leaf in leaves(pairs) if isinstance(leaf, AudioPlayer))


def test_a_browser_plays_them_from_disk(prepared, report_of, browser):
    test, key = prepared
    place = test.folder / "report"
    place.mkdir(exist_ok=True)
    blocks = [Heading("Songs", level=1), *song_blocks(report_of("acr", run=False), heard_songs(test, key, place))]
    (place / "report.html").write_text(to_html(blocks, {}), encoding="utf-8")
    page, faults = browser.new_page(), []
    page.on("console", lambda message: faults.append(message.text))
    page.goto((place / "report.html").as_uri())
    page.get_by_text("en-prompt-0").click()
    audio = page.locator("audio").first
    audio.evaluate("(sound) => new Promise((done) => { sound.onended = done; sound.play(); })")
    assert audio.evaluate("(sound) => sound.duration") == pytest.approx(0.5, abs=0.05) and not faults
    page.close()
