"""Every text there is in every language, for everything the other parts may say."""

import re
from typing import get_args

import pytest

from listening_test.answers import Refusal
from listening_test.collection.sessions import Problem
from listening_test.front_end.assets import SCRIPTS, asset, gradio_host_script, script, stylesheet
from listening_test.front_end.wording import load_wording
from listening_test.protocol.model import LANGUAGES
from songbench.domain.errors import InputError
from songbench.domain.tags import TAGS

SOURCES = [*SCRIPTS, "bundle_host.js", "gradio_host.js"]


def braces(text):
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


def test_languages_have_the_same_texts_with_the_same_gaps():
    english = load_wording("en")
    for language in LANGUAGES:
        texts = load_wording(language)
        assert set(texts) == set(english)
        for key, text in texts.items():
            assert text.strip(), key
            if not key.endswith("_one"):
                assert braces(text) == braces(english[key]), key
    assert all(max(text) >= "\u4e00" for key, text in load_wording("zh").items() if key != "copy")


def test_there_is_a_text_for_every_code_and_section():
    texts = load_wording("en")
    assert {f"refused_{code}" for code in get_args(Refusal)} <= set(texts)
    for code in get_args(Problem):
        assert {f"problem_{code}", f"problem_{code}_heading"} <= set(texts)
    assert {f"section_{tag}" for tag in TAGS} <= set(texts)


def test_every_text_is_used_and_every_text_used_is_there():
    texts = set(load_wording("en"))
    source = "\n".join(asset(name) for name in SOURCES)
    message_keys = set(re.findall(r"""(?:say|count)\(\s*"(\w+)\"""", source))
    assert message_keys <= texts
    stems = ("refused_", "problem_", "section_", "heading_", "task_", "preference_", "tone_", "consent_")
    quoted = set(re.findall(r'"(\w+)"', source)) | {"language_name"}
    unused = {key for key in texts - quoted if not key.startswith(stems) and key.removesuffix("_one") not in quoted}
    assert not unused


def test_an_unknown_language_is_named():
    with pytest.raises(InputError, match="no texts in this language"):
        load_wording("de")


def test_text_never_becomes_markup_and_nothing_comes_from_elsewhere():
    source = "\n".join([script(), gradio_host_script(), asset("bundle_host.js")])
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|\bimport\b|https?://", source
    )
    assert not re.search(r"@import|url\(|https?://", stylesheet())
