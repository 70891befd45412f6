import numpy as np
import pytest
from sung_tunes import VERSE, sing

from songbench.domain.audio import Audio
from systems.rulebased_band.analysis import VocalAnalysis, analyse
from systems.rulebased_band.beats import BeatGrid
from systems.rulebased_band.features import listen
from systems.rulebased_band.keys import rank_keys
from systems.rulebased_band.notes import transcribe


def pop_analysis(vocal: Audio) -> VocalAnalysis:
    return analyse(listen(vocal), "pop")


def beat_error(grid: BeatGrid, seconds: float) -> float:
    """Seconds from a time to the nearest beat."""
    position = grid.position(seconds)
    return abs(position - round(position)) * grid.beat_seconds


@pytest.mark.parametrize(("bpm", "transpose", "key"), [(88, 0, "C major"), (123.3, -3, "A major")])
def test_tempo_beats_key_and_chords_of_a_plain_tune(bpm, transpose, key):
    analysis = pop_analysis(sing(VERSE, bpm, transpose=transpose))
    assert analysis.grid.bpm == pytest.approx(bpm, rel=0.005)
    assert beat_error(analysis.grid, 24 * 60 / bpm) < 0.03
    assert analysis.key.name == key
    bars = [bar for bar in analysis.bars if analysis.grid.seconds(bar.start) > -0.1][:12]
    roots = [(bar.chord.root - analysis.key.tonic) % 12 for bar in bars]
    assert [bar.beats for bar in bars] == [4] * 12
    assert sum(root == true for root, true in zip(roots, [0, 9, 5, 7] * 3, strict=True)) >= 10
    assert analysis.remarks == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda vocal: vocal.at(8_000),
        lambda vocal: Audio(np.clip(40 * vocal.samples, -1, 1), vocal.rate),
        lambda vocal: Audio(np.repeat(vocal.samples, 2, axis=0) * 1e-2, vocal.rate),
    ],
    ids=["telephone", "clipped", "quiet stereo"],
)
def test_beat_and_key_survive_bad_recordings(damage):
    analysis = pop_analysis(damage(sing(VERSE, 100)))
    assert analysis.grid.bpm == pytest.approx(100, rel=0.01) and analysis.key.name == "C major"


def test_bars_are_found_wherever_the_vocal_begins():
    analysis = pop_analysis(sing(VERSE, 100, lead=-1.5))
    lines = [analysis.grid.seconds(bar.start) for bar in analysis.bars]
    assert min(abs(line - (8 * 0.6 - 1.5)) for line in lines) < 0.03
    assert max(0.0, lines[0]) == 0.0


def test_notes_and_the_tuning_of_the_singer():
    transcript = transcribe(listen(sing(VERSE, 96, transpose=0.3)))
    truth = [tuple(map(float, note.split(":"))) for note in VERSE.split()]
    assert transcript.cents == pytest.approx(30, abs=4)
    matched = [
        any(abs(note.start - beat * 60 / 96) < 0.05 and abs(note.pitch - pitch) < 0.3 for note in transcript.notes)
        for beat, pitch in truth
    ]
    assert np.mean(matched) > 0.9


@pytest.mark.parametrize("usual", [60, 120])
def test_the_usual_tempo_decides_which_multiple_is_the_beat(usual):
    steps = " ".join(f"{beat / 2}:{60 + beat % 5}" for beat in range(40))
    assert analyse(listen(sing(steps, 60)), "pop", usual).grid.bpm == pytest.approx(usual, rel=0.005)


def test_swing_does_not_bend_the_beat():
    swung = " ".join(f"{beat}:{60 + 2 * (beat % 3)} {beat + 0.66}:{64}" for beat in range(32))
    grid = analyse(listen(sing(swung, 92)), "blues").grid
    assert grid.bpm == pytest.approx(92, rel=0.005) and beat_error(grid, 16 * 60 / 92) < 0.04


def test_keys_are_ranked_by_pitch_classes():
    notes = transcribe(listen(sing(VERSE, 120))).notes
    ranked = rank_keys(notes)
    assert len(ranked) == 24 and ranked[0][0].name == "C major" and rank_keys(()) == []


def test_features_of_silence_and_of_a_vocal():
    vocal = sing(VERSE, 120, lead=1.0)
    features = listen(vocal)
    assert not features.silent and not features.active[:90].any() and np.isnan(features.pitch[:90]).all()
    assert len(features.pitch) == len(features.onsets) == len(features.level)
    assert listen(type(vocal)(np.zeros((2, 100), np.float32), 8000)).silent
