"""What the suite `core` asks of the system that renders its reference songs."""

from dataclasses import replace

import pytest

from songbench.domain.suite import load_suite
from songbench.suites import CORE
from systems.rulebased.perform import Recipe, _parts, _song_seed, _tempo_range
from systems.rulebased.plan import make_plan
from systems.rulebased.style import parse_style


@pytest.fixture(scope="module")
def prompts():
    return load_suite(CORE).prompts


def style_of(prompt):
    return parse_style(f"{prompt.style} {prompt.tags['genre']}")


def test_style_texts_say_what_the_tags_say(prompts):
    for prompt in prompts:
        style, tags = style_of(prompt), prompt.reference.parameters
        assert (style.genre, style.singer) == (tags["genre"], tags["voice"]) and style.bpm, prompt.id


@pytest.mark.slow
def test_every_reference_song_fits_its_duration(prompts):
    for prompt in prompts:
        recipe = Recipe(style_of(prompt), prompt.tags["voice"], "full", prompt.reference.seed)
        recipe = replace(recipe, seed=_song_seed(prompt.lyrics, recipe))
        parts = _parts(prompt.lyrics, prompt.language, prompt.tags["voice"])
        plan = make_plan(parts, prompt.seconds, *_tempo_range(recipe))
        assert plan.seconds(plan.beats) == pytest.approx(prompt.seconds, abs=1), prompt.id
