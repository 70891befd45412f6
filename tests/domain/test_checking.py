"""What people write is checked in one way, and refused in one form."""

from collections.abc import Mapping
from typing import Annotated, Literal

import pytest
from pydantic import Field

from songbench.domain.checking import Flag, Number, Schema, Whole, checked
from songbench.domain.errors import InputError


class Part(Schema):
    confidence: Annotated[Number, Field(gt=0, lt=1)] = 0.95
    kind: Literal["fast", "slow"] = "fast"


class Thing(Schema):
    name: str
    takes: Annotated[Whole, Field(ge=1)] = 1
    again: Flag = False
    part: Part = Part()
    parts: tuple[Part, ...] = ()
    by_name: Mapping[str, Part | str] = Field(default_factory=dict)
    either: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all"] = "all"


def refused(value, **keywords):
    with pytest.raises(InputError) as caught:
        checked(Thing, value, **keywords)
    return caught.value


def test_what_is_right_comes_out_typed():
    thing = checked(Thing, {"name": "a", "part": {"confidence": 0.5}, "parts": [{"kind": "slow"}], "either": ["x"]})
    assert (thing.part.confidence, thing.parts[0].kind, thing.either) == (0.5, "slow", ("x",))


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"name": 3}, "name", "Expected text, found 3. Put it in quotes."),
        ({"takes": True}, "takes", "Expected a whole number, found True."),
        ({"takes": 1.5}, "takes", "Expected a whole number, found 1.5."),
        ({"takes": "3"}, "takes", "Leave the quotes out."),
        ({"takes": 0}, "takes", "Expected a number >= 1, found 0."),
        ({"again": 1}, "again", "Expected true or false, found 1."),
        ({"part": {"confidence": float("nan")}}, "part.confidence", "Expected a finite number"),
        ({"part": {"confidence": 1}}, "part.confidence", "Expected a number < 1"),
        ({"part": 7}, "part", "Expected names with values, found 7."),
        ({"part": {"kind": "fats"}}, "part.kind", "Did you mean 'fast'? Allowed: fast, slow."),
        ({"part": {"confidenc": 0.9}}, "part.confidenc", "Did you mean 'confidence'? Allowed: confidence, kind."),
        ({"parts": [{}, {"knd": "slow"}]}, "parts[1].knd", "Did you mean 'kind'?"),
        ({"by_name": {"x": {"kid": 1}}}, "by_name.x.kid", "Did you mean 'kind'?"),
        ({"take": 2}, "take", "Did you mean 'takes'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_form(change, field, message):
    error = refused({"name": "a", **change}, file="f.json", line=4)
    assert (error.file, error.line, error.field) == ("f.json", 4, field)
    assert message in str(error)


def test_a_union_is_named_by_its_field_alone():
    assert refused({"name": "a", "either": 3}).field == "either"


def test_other_wrong_fields_are_named_too():
    assert "Also wrong: part.kind, takes." in str(refused({"name": 1, "takes": -1, "part": {"kind": "x"}}))


def test_the_line_of_the_nearest_known_place_is_named():
    lines = {(): 1, ("part",): 3, ("part", "kind"): 5}
    assert refused({"name": "a", "part": {"kind": "x"}}, lines=lines).line == 5
    assert refused({"name": "a", "part": {"knd": "x"}}, lines=lines).line == 3


def test_a_group_inside_something_larger_is_named_whole():
    with pytest.raises(InputError) as caught:
        checked(Part, {"confidence": 2}, within="statistics")
    assert caught.value.field == "statistics.confidence"
    assert refused("text").message == "Expected names with values, found 'text'."
