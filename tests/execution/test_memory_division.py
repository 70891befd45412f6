from songbench.execution.engine.memory_division import MemoryDivision


def test_as_many_as_fit_have_a_job():
    memory = MemoryDivision(20, workers=4)
    assert memory.fits(0, 9, busy=()) and memory.give(0, 9) == 9
    assert memory.fits(1, 9, busy=(0,)) and memory.give(1, 9) == 9
    assert not memory.fits(2, 9, busy=(0, 1))
    assert memory.fits(2, 2, busy=(0, 1)) and memory.give(2, 2) == 2, "less than an equal part, as less is left"


def test_small_ones_have_equal_parts():
    memory = MemoryDivision(20, workers=4)
    assert [memory.give(number, 1) for number in range(4)] == [5, 5, 5, 5]
    assert memory.fits(3, 5, busy=(0, 1, 2)) and not memory.fits(3, 6, busy=(0, 1, 2))


def test_one_that_needs_more_than_there_is_runs_alone():
    memory = MemoryDivision(20, workers=2)
    assert memory.fits(0, 50, busy=()) and memory.give(0, 50) == 20
    assert not memory.fits(1, 1, busy=(0,))


def test_idle_workers_make_room():
    memory = MemoryDivision(20, workers=4)
    for number, need in ((0, 3), (1, 8), (2, 1)):
        memory.give(number, need)
    assert dict(memory.shares) == {0: 5, 1: 8, 2: 5}
    assert memory.in_the_way(3, 2, idle=(0, 1)) == []
    assert memory.fits(3, 10, busy=(2,)) and memory.in_the_way(3, 10, idle=(0, 1)) == [1]
    assert memory.fits(3, 15, busy=(2,)) and memory.in_the_way(3, 15, idle=(0, 1)) == [1, 0]
    for number in (1, 0):
        memory.end(number)
    assert memory.give(3, 15) == 15


def test_of_unknown_memory_everything_fits():
    memory = MemoryDivision(None, workers=2)
    assert memory.give(0, 10**12) is None
    assert memory.fits(1, 10**12, busy=(0,)) and memory.in_the_way(1, 10**12, idle=(0,)) == []
