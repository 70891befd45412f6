import gc
import weakref

import pytest

from songbench.resources.residency import ResidentModels


class Model:
    pass


@pytest.fixture
def loads():
    return []


@pytest.fixture
def models():
    return ResidentModels()


def ask(models, loads, name, size=1):
    def build():
        loads.append(name)
        return Model()

    return models.hold(name, build, size)


def test_without_a_limit_there_is_one_at_a_time(models, loads):
    first = ask(models, loads, "a")
    assert ask(models, loads, "a") is first
    reference = weakref.ref(first)
    del first
    ask(models, loads, "b")
    assert reference() is None
    ask(models, loads, "a")
    assert loads == ["a", "b", "a"]


def test_as_many_stay_as_fit_and_the_one_longest_unused_goes_first(models, loads):
    models.limit(5)
    for name, size in (("a", 2), ("b", 2), ("a", 2), ("c", 3)):
        ask(models, loads, name, size)
    assert loads == ["a", "b", "c"]
    ask(models, loads, "a", 2)
    assert loads == ["a", "b", "c"], "b had to go"
    ask(models, loads, "b", 2)
    assert loads == ["a", "b", "c", "b"]


def test_one_that_is_larger_than_the_limit_is_alone(models, loads):
    models.limit(5)
    for name, size in (("a", 2), ("large", 9), ("large", 9), ("a", 2)):
        ask(models, loads, name, size)
    assert loads == ["a", "large", "a"]


def test_room_is_made_before_the_next_is_loaded(models):
    models.limit(3)
    reference = weakref.ref(models.hold("a", Model, 2))
    gc.collect()
    rest = []
    models.hold("b", lambda: rest.append(reference()) or Model(), 2)
    assert rest == [None]


def test_less_room_lets_go_but_for_what_is_in_use(models, loads):
    models.limit(6)
    for name in "abc":
        ask(models, loads, name, 2)
    models.drop("b")
    models.drop("never loaded")
    models.limit(2)
    models.shrink()
    ask(models, loads, "c", 2)
    assert loads == ["a", "b", "c"], "the last used has stayed"
    models.limit(5)
    ask(models, loads, "a", 2)
    models.limit(1)
    models.shrink(keep="a")
    ask(models, loads, "a", 2)
    ask(models, loads, "c", 2)
    assert loads == ["a", "b", "c", "a", "c"]


def test_what_cannot_be_built_is_not_held(models, loads):
    models.limit(6)
    ask(models, loads, "a", 2)
    with pytest.raises(ZeroDivisionError):
        models.hold("broken", lambda: 1 / 0, 2)
    ask(models, loads, "a", 2)
    ask(models, loads, "broken", 2)
    assert loads == ["a", "broken"]
