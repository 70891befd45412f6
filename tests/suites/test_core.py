"""The suites `core` and `core-mini`: what they promise."""

import re
from pathlib import Path

import pytest

from songbench.domain.lyric_similarity import longest_shared_line, most_alike, similarity_remarks
from songbench.domain.prompt import CutAsset, FileAsset, RenderAsset
from songbench.domain.suite import load_suite
from songbench.domain.suite_statistics import suite_statistics
from songbench.suites import CORE, CORE_MINI, SIMILARITY_BOUNDS

VALUES = {
    "genre": "pop rock ballad folk country blues soul jazz electronic latin reggae hip-hop guofeng",
    "mood": "joyful tender melancholic defiant playful calm angry nostalgic hopeful dark",
    "tempo": "slow medium fast",
    "voice": "female male",
}


@pytest.fixture(scope="module")
def core():
    return load_suite(CORE)


@pytest.fixture(scope="module")
def mini():
    return load_suite(CORE_MINI)


def test_nothing_looks_odd(core):
    assert core.remarks == () and similarity_remarks(core.prompts) == ()
    assert core.detected == {}, "every prompt says its language"


def test_it_is_as_large_and_as_varied_as_it_says(core):
    statistics = suite_statistics(core.prompts)
    assert statistics.languages == {"en": 50, "zh": 47, "mixed": 3}
    assert len(statistics.tags["genre"]) == 13 and len(statistics.plans) >= 40
    assert statistics.seconds[0] >= 60 and statistics.seconds[-1] <= 150


def test_no_two_lyrics_are_alike(core):
    nearest = most_alike(core.prompts)
    assert nearest.similarity < SIMILARITY_BOUNDS["core"], nearest
    assert longest_shared_line(core.prompts) is None


def test_every_prompt_is_complete(core):
    for prompt in core.prompts:
        assert prompt.licence == "CC0-1.0" and prompt.style and set(prompt.tags) == {*VALUES, "topic"}, prompt.id
        assert all(prompt.tags[name] in values.split() for name, values in VALUES.items()), prompt.id
        assert prompt.id.startswith(f"{'en' if prompt.language == 'en' else 'zh'}-{prompt.tags['genre']}-"), prompt.id
        assert not re.search(r"[\d(){}<>|*_#\"“”‘’…]", "".join(prompt.lyrics.lines)), prompt.id
        cut = prompt.prompt_audio
        assert isinstance(cut, CutAsset) and cut.seconds == 10 and cut.start + 10 <= prompt.seconds, prompt.id


def test_every_reference_is_a_song_of_its_own(core):
    recipes = [prompt.reference for prompt in core.prompts]
    assert all(isinstance(recipe, RenderAsset) and recipe.system == "rulebased" for recipe in recipes)
    assert len({recipe.seed for recipe in recipes}) == len(recipes)
    for prompt, recipe in zip(core.prompts, recipes, strict=True):
        genre = "soul" if prompt.tags["genre"] == "hip-hop" else prompt.tags["genre"]
        assert recipe.parameters == {"genre": genre, "voice": prompt.tags["voice"]}, prompt.id


def test_the_small_suite_is_part_of_the_large_one(core, mini):
    songs = {prompt.id: prompt for prompt in core.prompts}
    assert all(songs[prompt.id] == prompt for prompt in mini.prompts)
    statistics = suite_statistics(mini.prompts)
    assert statistics.languages == {"en": 6, "zh": 6}
    assert statistics.seconds[-1] <= 90 and len(statistics.tags["genre"]) == 12 and len(statistics.plans) >= 10


def test_references_can_be_exchanged_as_the_documentation_says(tmp_path, monkeypatch, core):
    page = (Path(__file__).parents[2] / "docs/suites.md").read_text(encoding="utf-8")
    script = re.search(r"## Reference songs of your own\n.*?```python\n(.*?)```", page, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "docs/suites.md", "exec"), {})  # as a reader runs it
    suite = load_suite("core-my-references.jsonl")
    assert suite.name != core.name and len(suite.prompts) == 100
    assert all(isinstance(prompt.reference, FileAsset) for prompt in suite.prompts)
