"""What a system was really given."""

import json

from songbench.domain.rendering import Rendering, rendering_from_json

RENDERING = Rendering(
    lyrics="[00:01.00]la la\n",
    style="text",
    style_text="pop",
    tags={"inst": None, "chorus": "[Chorus]"},
    added=("a last line that is not sung",),
    timing="a rule 1",
    times=((1.0, "la la"),),
    seconds=95.0,
    notes=("cut",),
)


def test_comes_back_from_json():
    assert rendering_from_json(json.loads(json.dumps(RENDERING.to_json()))) == RENDERING
    assert rendering_from_json({}) == Rendering()


def test_says_what_became_different():
    assert RENDERING.changes == (
        "tags: [inst] left out, [chorus] as '[Chorus]'",
        "added: a last line that is not sung",
        "times by the rule a rule 1",
        "cut",
    )
    assert Rendering(lyrics="[verse]\nla").changes == ()
