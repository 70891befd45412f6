import numpy as np
import pytest

from metrics.functional.sections import (
    align_sections,
    aligned_labels,
    boundary_f,
    label_error,
    merged,
    missing_costs,
)

PLAN = [("intro", 5.0), ("verse", None), ("chorus", None)]


def error(plan, segments):
    return align_sections(missing_costs(plan, sum(seconds for _, seconds in segments)), segments)


def test_a_song_as_planned():
    alignment = error(PLAN, [("intro", 12.0), ("verse", 20.0), ("chorus", 8.0)])
    assert (alignment.mislabelled, alignment.missing, alignment.total, alignment.percent) == (0, 0, 40, 0)


def test_durations_and_splits_are_free():
    assert error(PLAN, [("intro", 1.0), ("verse", 3.0), ("verse", 30.0), ("chorus", 6.0)]).percent == 0
    assert error([("verse", None), ("verse", None)], [("verse", 9.0)]).percent == 0


def test_swapped_sections():
    # keep the longer of the two: the other one is out of place (10 s) and missing in its place (half of 30 s), or take
    # both for what they are not (30 s): the cheaper is 25 s
    alignment = error([("verse", None), ("chorus", None)], [("chorus", 20.0), ("verse", 10.0)])
    assert (alignment.mislabelled, alignment.missing) == (10, 15)
    assert alignment.percent == pytest.approx(100 * 25 / 30)


def test_one_wrong_label():
    alignment = error(PLAN, [("intro", 10.0), ("inst", 6.0), ("chorus", 24.0)])
    assert (alignment.mislabelled, alignment.missing) == (6, 0)
    assert alignment.percent == pytest.approx(15)


def test_extra_segment():
    alignment = error(PLAN, [("intro", 10.0), ("verse", 10.0), ("inst", 4.0), ("verse", 6.0), ("chorus", 10.0)])
    assert (alignment.mislabelled, alignment.missing) == (4, 0)
    before = error(PLAN, [("silence", 2.0), ("intro", 8.0), ("verse", 10.0), ("chorus", 10.0), ("outro", 10.0)])
    assert (before.mislabelled, before.missing) == (12, 0)


def test_missing_sections_are_charged():
    # the intro with the 5 s asked for, the verse with a third of the song
    assert error(PLAN, [("verse", 20.0), ("chorus", 10.0)]).missing == 5
    alignment = error(PLAN, [("intro", 12.0), ("chorus", 18.0)])
    assert (alignment.mislabelled, alignment.missing, alignment.percent) == (0, 10, pytest.approx(100 / 3))


def test_nothing_right_is_100_at_most():
    assert error(PLAN, [("outro", 30.0)]).percent == 100
    assert error([("intro", 500.0), ("verse", None)], [("verse", 10.0)]).percent == 100


def test_missing_costs_merge_neighbours():
    plan = [("inst", 3.0), ("inst", 4.0), ("verse", None), ("verse", None), ("chorus", None)]
    assert missing_costs(plan, 60) == [("inst", 7.0), ("verse", 20.0), ("chorus", 20.0)]


def test_merged():
    assert merged([("verse", 1.0), ("verse", 2.0), ("inst", 1.0), ("verse", 4.0)]) == [
        ("verse", 3.0),
        ("inst", 1.0),
        ("verse", 4.0),
    ]


def test_empty_input_is_refused():
    for plan, song in (([], [("verse", 1.0)]), ([("verse", 1.0)], []), ([("verse", 1.0)], [("verse", 0.0)])):
        with pytest.raises(ValueError, match="at least one"):
            align_sections(plan, song)


def test_boundary_f():
    assert boundary_f([10, 20, 30], [11, 22.9, 33.1]) == pytest.approx(2 / 3)
    assert boundary_f([10], [9, 11]) == pytest.approx(2 / 3), "a boundary is hit once"
    assert boundary_f([10, 12], [12.5, 9.5]) == boundary_f([10, 12], [9.5, 12.5]) == 1
    assert boundary_f([], []) == 1
    assert boundary_f([], [3]) == boundary_f([3], []) == 0


def test_label_error():
    truth = [("verse", 0.0, 10.0), ("chorus", 10.0, 20.0)]
    assert label_error(truth, truth) == 0
    assert label_error(truth, [("verse", 0.0, 15.0), ("chorus", 15.0, 20.0)]) == pytest.approx(25)
    assert label_error(truth, [("verse", 0.0, 8.0)]) == pytest.approx(60), "where nothing was found is wrong, too"


class TestAlignedLabels:
    def test_names_the_requested_section_of_each_segment_and_what_is_left_out(self):
        plan = [("intro", 5.0), ("verse", 10.0), ("chorus", 10.0), ("outro", 5.0)]
        song = [("verse", 20.0), ("inst", 4.0), ("chorus", 9.0), ("chorus", 3.0)]
        labels, left_out = aligned_labels(plan, song)
        assert labels[0] == "verse" and labels[2:] == ["chorus", "chorus"] and labels[1] in ("verse", "chorus")
        assert left_out == [("intro", 5.0), ("outro", 5.0)]

    def test_agrees_with_the_errors_of_every_random_song(self):
        rng = np.random.default_rng(0)
        for _ in range(300):
            plan, song = (
                [(str(rng.choice(list("abc"))), float(rng.integers(1, 9))) for _ in range(count)]
                for count in rng.integers(1, 6, 2)
            )
            plan = merged(plan)
            labels, left_out = aligned_labels(plan, song)
            errors = align_sections(plan, song)
            wrong = sum(seconds for label, (name, seconds) in zip(labels, song, strict=True) if label != name)
            assert wrong == pytest.approx(errors.mislabelled)
            assert sum(cost for _, cost in left_out) == pytest.approx(errors.missing)
