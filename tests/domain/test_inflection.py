import pytest
import typeguard

from songbench.domain.inflection import _without_type_checks, inflector


def test_others_find_typeguard_as_it_was():
    with _without_type_checks():
        assert typeguard.typechecked(len) is len
    assert inflector().number_to_words(21) == "twenty-one"

    @typeguard.typechecked
    def half(number: int) -> float:
        return number / 2

    with pytest.raises(typeguard.TypeCheckError):
        half("1")
