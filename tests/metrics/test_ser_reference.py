"""SER by trained analysers: one definition, their label maps and cards."""

import subprocess
import sys

import pytest

from metrics.features.allin1 import Stems
from metrics.features.allin1_network import LABELS as ALLIN1_LABELS
from metrics.features.songformer_network import LABELS as SONGFORMER_LABELS
from metrics.ser import ser_novelty
from metrics.ser_reference import ALLIN1_TAGS, SONGFORMER_TAGS, ser_allin1, ser_songformer
from songbench.contracts.conflicts import conflicts_of
from songbench.contracts.feature import Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song, TimedSection
from songbench.domain.tags import TAGS


def song(lyrics, sections=()):
    import numpy as np

    audio = Audio(np.zeros((1, 100), np.float32), 100)
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics(lyrics), language="en"), take=0, seed=0)
    return Song(request=request, source=MemoryAudio(audio), sections=tuple(TimedSection(*row) for row in sections))


class Analysed:
    """Features that answer every song with these segments."""

    def __init__(self, *segments, failure=None):
        self.answer = failure or Feature(data={"segments": [list(row) for row in segments]})
        self.sources = []

    def of(self, extractor, sources):
        self.sources += sources
        return [self.answer] * len(sources)


def score(metric, song, features):
    (scores,) = metric.score([song], features)
    return scores


LYRICS = "[intro] [intro] [intro]\n\n[verse]\nla la\n\n[chorus]\nlo lo\n\n[inst] [inst]\n\n[outro] [outro]"


def test_labels_become_the_tags_of_lyrics():
    assert set(ALLIN1_TAGS) == set(ALLIN1_LABELS)
    assert set(SONGFORMER_TAGS) == set(SONGFORMER_LABELS)
    assert {*ALLIN1_TAGS.values(), None} == {*TAGS, None} - {"silence"}
    assert {*SONGFORMER_TAGS.values()} == {*TAGS}


def test_a_song_as_asked_has_no_error():
    rows = [("start", 0, 0.02), ("intro", 0.02, 3), ("verse", 3, 20), ("chorus", 20, 40)]
    rows += [("solo", 40, 45), ("break", 45, 48), ("outro", 48, 55), ("end", 55, 60)]
    scores = score(ser_allin1(), song(LYRICS), Analysed(*rows))
    assert (scores.values["ser"], scores.values["order_error"]) == (0, 0)
    assert 0 < scores.values["ser_chance"] < 100
    assert scores.detail["found"][0] == ["intro", 0.02, 3.0]
    assert scores.detail["heard"][0] == ["start", 0, 0.02]
    rows = [("intro", 0, 3), ("verse", 3, 15), ("pre-chorus", 15, 20), ("chorus", 20, 40), ("inst", 40, 48)]
    scores = score(ser_songformer(), song(LYRICS), Analysed(*rows, ("outro", 48, 60)))
    assert scores.values["ser"] == 0


def test_an_instrumental_part_that_is_skipped_is_charged():
    rows = [("intro", 0, 10), ("verse", 10, 50), ("chorus", 50, 90), ("outro", 90, 100)]
    scores = score(ser_allin1(), song(LYRICS), Analysed(*rows))
    assert scores.values["ser"] == pytest.approx(2)  # the two seconds asked for
    assert scores.values["order_error"] == pytest.approx(20)


def test_every_backend_gives_the_same_number_for_the_same_sections():
    rows = [("intro", 0, 10), ("chorus", 10, 50), ("verse", 50, 90), ("outro", 90, 100)]
    sung = song(LYRICS, [("verse", 0, 50), ("chorus", 50, 100)])
    numbers = [score(metric(), sung, Analysed(*rows)).values for metric in (ser_novelty, ser_allin1, ser_songformer)]
    assert numbers[0] == {name: numbers[1][name] for name in numbers[0]}
    assert numbers[1] == numbers[2]


def test_boundaries_are_judged_at_half_a_second_and_at_three():
    sung = song(LYRICS, [("intro", 0, 10), ("verse", 10, 50), ("chorus", 50, 100)])
    scores = score(ser_allin1(), sung, Analysed(("intro", 0, 10.4), ("verse", 10.4, 52), ("chorus", 52, 100)))
    assert (scores.values["boundary_f"], scores.values["boundary_f_half"]) == (1, 0.5)
    assert scores.values["label_error"] == pytest.approx(2.4)
    novelty = {field.name for field in ser_novelty().card.fields}
    assert "boundary_f_half" not in novelty, "its stored numbers stay as they are"


def test_what_an_analyser_has_no_label_for_is_not_asked_of_it():
    lyrics = "[verse]\nla\n\n[silence] [silence] [silence] [silence]\n\n[chorus]\nlo"
    rows = [("verse", 0, 30), ("chorus", 30, 60)]
    assert score(ser_allin1(), song(lyrics), Analysed(*rows)).values["ser"] == 0
    assert score(ser_songformer(), song(lyrics), Analysed(*rows)).values["ser"] == pytest.approx(100 * 4 / 60)
    scores = score(ser_allin1(), song("[silence] [silence]"), Analysed(*rows))
    assert isinstance(scores, NotApplicable) and "[silence]" in scores.reason


@pytest.mark.parametrize("rows", [[("silence", 0, 60)], [("start", 0, 1), ("end", 1, 60)]])
def test_where_there_is_no_section_nothing_is_right(rows):
    scores = score(ser_allin1(), song(LYRICS), Analysed(*rows))
    assert isinstance(scores, Scores)
    assert (scores.values["ser"], scores.values["order_error"], scores.values["ser_chance"]) == (100, 100, 100)


def test_a_failure_is_handed_on():
    failure = Failure("feature", "structure: broken")
    assert score(ser_songformer(), song(LYRICS), Analysed(failure=failure)) == failure


def test_what_each_hears():
    sung, features = song(LYRICS), Analysed(("verse", 0, 1))
    score(ser_allin1(), sung, features)
    score(ser_songformer(), sung, features)
    stems, mix = features.sources
    assert isinstance(stems, Stems) and stems.mix is sung.source and mix is sung.source


@pytest.mark.parametrize("build", [ser_allin1, ser_songformer])
def test_cards(build, monkeypatch, tmp_path):
    metric = build()
    assert isinstance(metric, SongMetric)
    card = metric.card
    assert card.reference and card.hears == ("form",) and card.procedure and card.verified and conflicts_of(card)
    assert all(word in card.limits for word in ("-> inst" if build is ser_allin1 else "pre-chorus -> verse", "Labels"))
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    state = metric.availability()
    assert not state.ready and state.cure.startswith(f"songbench setup {card.needs[0]}")


def test_building_them_is_cheap():
    code = "import sys, metrics.ser_reference as m; m.ser_allin1(); m.ser_songformer(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
