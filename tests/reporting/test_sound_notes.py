"""Notes on the sound of songs, from made-up runs."""

from dataclasses import replace

from made_up_run import set_run, simple_run

from songbench.contracts.cards import Field
from songbench.domain.remark import Remark
from songbench.domain.score import Scores
from songbench.domain.song import Failure
from songbench.execution.experiment import AssetRemark
from songbench.execution.results import SongId, Sound
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.sound_notes import asset_notes, sound_notes

TIMEOUT = Failure("generate", "time-out")
SYSTEMS = ("suno", "udio", "noise")
PROMPTS = 6


def run(sounds):
    """A run of three systems, the last a sanity system, with something known of the sound of some songs."""
    results = simple_run({system: [1.0] * PROMPTS for system in SYSTEMS}, sanity=["noise"])
    plain = {song: Sound(f"{song}") for song in results.songs}
    return replace(results, sounds=plain | {SongId(*song): sound for song, sound in sounds.items()})


def odd(code, digest):
    return Sound(digest, (Remark(code, "text"),))


def test_ordinary_songs_need_no_note():
    assert sound_notes(run({})) == []


def test_songs_are_counted_by_kind_and_system():
    sounds = {("suno", f"p{i:02d}", 0): odd("clipped", f"a{i}") for i in range(1, 7)}
    sounds[("udio", "p02", 0)] = odd("clipped", "b")
    sounds[("udio", "p03", 0)] = odd("antiphase", "c")
    assert sound_notes(run(sounds)) == [
        "Songs whose channels cancel each other in mono (metrics that hear mono do not judge them): 1 of 6 of udio"
        " (p03).",
        "Songs that are clipped: 6 of 6 of suno (p01, p02, p03, p04 and 2 more), 1 of 6 of udio (p02).",
    ]


def test_sanity_systems_are_odd_on_purpose():
    twins = {("noise", f"p{i:02d}", 0): odd("silent", "same") for i in range(1, 7)}
    assert sound_notes(run(twins)) == []


def test_same_recordings_within_and_between_systems():
    sounds = {
        ("suno", "p01", 0): Sound("x"),
        ("suno", "p04", 0): Sound("x"),
        ("udio", "p02", 0): Sound("x"),
        ("noise", "p03", 0): Sound("x"),
    }
    first, second = sound_notes(run(sounds))
    assert first.startswith(
        "suno: the same recording under several ids: p01 = p04. Metrics of whole sets count it once"
    )
    assert second == "suno and udio share 1 recording (p01)."


def test_what_a_set_metric_left_out_is_named_and_counted():
    songs = {SongId("s", f"p{i:02d}", 0): "done" for i in range(1, 5)} | {SongId("s", "p05", 0): TIMEOUT}
    entries = [
        {"prompt": "p01", "take": 0, "reason": "the embedding is not finite", "failed": True},
        {"prompt": "p03", "take": 0, "reason": "the same recording as p02", "failed": False},
    ]
    detail = {"left_out": entries, "left_out_references": entries[:1]}
    scores = Scores(values={"m": 1.0}, n=2, detail=detail)
    board = build_leaderboard(set_run({"s": scores}, Field("m", unit="", direction="lower"), songs))
    (cell,) = board.rows[0].cells.values()
    assert (cell.n, cell.n_not_applicable, cell.n_failed, cell.n_possible) == (2, 1, 2, 5)
    assert "the same recording as p02" in cell.reason and "the embedding is not finite" in cell.reason
    assert [note for note in board.notes if "leaves out" in note] == [
        "m@b leaves out 1 song of s (p01): the embedding is not finite.",
        "m@b leaves out 1 song of s (p03): the same recording as p02.",
        "m@b leaves out 1 reference song (p01): the embedding is not finite.",
    ]


def test_references_that_only_some_systems_lack_are_told_so():
    songs = {SongId(system, f"p{i:02d}", 0): "done" for system in ("s", "t") for i in range(1, 4)}
    entry = {"prompt": "p01", "take": 0, "reason": "time-out", "failed": True}
    sets = {
        "s": Scores(values={"m": 1.0}, n=3, detail={"left_out_references": [entry]}),
        "t": Scores(values={"m": 1.0}, n=3),
    }
    notes = sound_notes(set_run(sets, Field("m", unit="", direction="lower"), songs))
    assert notes == ["m@b leaves out for s only 1 reference song (p01): time-out."]


def test_the_audio_of_the_suite():
    remarks = [
        AssetRemark("p2", "reference", Remark("clipped", "text")),
        AssetRemark("p1", "prompt_wav", Remark("antiphase", "text")),
        AssetRemark("p3", "reference", Remark("clipped", "text")),
    ]
    first, second = asset_notes(remarks, "song")
    assert first.startswith("Prompt audio whose channels cancel each other in mono")
    assert second == "Reference songs that are clipped: p2, p3."
