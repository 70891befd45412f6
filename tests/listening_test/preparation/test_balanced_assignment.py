"""Who hears what: every promise of the assignment, over many shapes of tests."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_test.preparation.assignment import assign
from listening_test.preparation.coverage import UnbalancedError, cover, prove
from listening_test.preparation.design import Design, ItemName, Page, most_pages
from listening_test.preparation.ordering import RowsInTurn, carry_over, williams_rows

NAMES = tuple("shgbaczd")


def design(form, systems, prompts, seats, pages=1, *, variants=1, missing=(), **more):
    names = NAMES[:systems]
    songs = {
        ItemName(f"p{p}", v): tuple(name for name in names if (name, p) not in missing)
        for p in range(prompts)
        for v in range(variants)
    }
    return Design(form=form, systems=names, songs=songs, seats=seats, pages=pages, **more)


@st.composite
def designs(draw):
    form = draw(st.sampled_from(["acr", "preference", "ccr", "multistimulus", "mushra"]))
    systems = draw(st.integers(1 if form in ("acr", "mushra") else 2, 8))
    prompts = draw(st.integers(2, 30))
    missing = draw(st.sets(st.tuples(st.sampled_from(NAMES[:systems]), st.integers(0, prompts - 1)), max_size=3))
    plan = design(
        form,
        systems,
        prompts,
        draw(st.integers(1, 40)),
        variants=draw(st.sampled_from([1, 1, 2])),
        missing=missing,
        per_page=draw(st.integers(2, 8)),
        lyrics_once=draw(st.booleans()),
        seed=draw(st.integers(0, 3)),
    )
    most = most_pages(plan)
    return replace(plan, pages=draw(st.integers(1, min(most, 30)))) if most else plan


@settings(max_examples=25, deadline=None, derandomize=True)
@given(designs())
def test_every_assignment_keeps_every_promise(plan):
    if most_pages(plan):
        seats = assign(plan)
        prove(plan, seats)
        assert len(seats) == plan.seats


def test_the_numbers_that_people_expect():
    plan = design("acr", 4, 20, 12, 20)
    coverage = cover(plan, assign(plan))
    assert set(coverage.systems.values()) == {(5, 5)} and coverage.cells == (3, 3) and coverage.lyrics == (1, 1)
    plan = design("preference", 3, 12, 10, 12)
    coverage = cover(plan, assign(plan))
    assert (
        coverage.treatments == (4, 4) and coverage.firsts == (50, 50) and coverage.songs.high - coverage.songs.low <= 2
    )
    plan = design("multistimulus", 8, 16, 16, 12, per_page=4)
    coverage = cover(plan, assign(plan))
    assert (
        set(coverage.systems.values()) == {(6, 6)}
        and coverage.cells == (12, 12)
        and coverage.songs.high - coverage.songs.low <= 3
    )


def test_the_seed_decides_everything():
    plan = design("acr", 3, 9, 6, 9)
    assert assign(plan) == assign(replace(plan))
    assert assign(plan) != assign(replace(plan, seed=1))


def test_more_pages_than_there_are_lyrics_for_are_refused():
    assert most_pages(design("acr", 3, 5, 4)) == 15
    assert most_pages(design("acr", 3, 5, 4, lyrics_once=True)) == 5
    assert most_pages(design("preference", 4, 5, 4)) == 5
    with pytest.raises(ValueError, match="16 pages per seat, possible are 1 to 15"):
        assign(design("acr", 3, 5, 4, 16))


def test_a_broken_promise_is_noticed():
    plan = design("preference", 3, 6, 4, 3)
    seats = list(assign(plan))
    first = seats[0]
    for broken, message in [
        ([first[:-1], *seats[1:]], "too few"),
        (seats[1:], "a seat is missing"),
        ([(first[0], first[0], first[1]), *seats[1:]], "met twice"),
        ([(Page(first[0].item, ("s", "x")), *first[1:]), *seats[1:]], "not there"),
        ([tuple(Page(i, tuple(sorted(s))) for i, s in pages) for pages in seats], "one order"),
    ]:
        with pytest.raises(UnbalancedError, match=message):
            prove(plan, broken)
    acr = design("acr", 2, 4, 1, 4)
    with pytest.raises(UnbalancedError, match="twice in a row"):
        p0, p1 = ItemName("p0"), ItemName("p1")
        prove(acr, [(Page(p0, ("s",)), Page(p0, ("h",)), Page(p1, ("s",)), Page(p1, ("h",)))])


def test_songs_that_are_missing_are_never_asked_for():
    plan = design("acr", 3, 6, 5, 10, missing={("s", 0), ("h", 3)})
    seats = assign(plan)
    prove(plan, seats)
    songs = {(page.item.prompt, page.systems) for pages in seats for page in pages}
    assert len(songs) == 16 and ("p0", ("s",)) not in songs and ("p3", ("h",)) not in songs


@pytest.mark.parametrize("count", range(1, 9))
def test_williams_designs_balance_places_and_neighbours(count):
    rows = williams_rows(count)
    assert len(rows) == count * (2 if count % 2 and count > 1 else 1)
    assert all(len(set(Counter(column).values())) == 1 for column in zip(*rows, strict=True))
    follows = carry_over(rows)
    assert set(follows) == set(permutations(range(count), 2)) and len(set(follows.values())) <= 1


def test_rows_come_in_turn_and_not_with_the_same_one_twice():
    rows = RowsInTurn("abcd", Random(0))
    order = []
    for _ in range(8):
        order += rows.next(after=order[-1] if order else None)
    assert all(one != two for one, two in pairwise(order))
    assert Counter(order[::4]) == {"a": 2, "b": 2, "c": 2, "d": 2}


def test_systems_follow_each_other_about_equally_often():
    plan = design("acr", 4, 16, 16, 16)
    follows = cover(plan, assign(plan)).follows
    assert follows.low >= 15 and follows.high <= 25  # 240 steps over 12 ordered pairs: 20 each
