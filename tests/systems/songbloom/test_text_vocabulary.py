"""Symbols to ids, and what is said about a vocabulary file that cannot be used."""

import pytest
import yaml

from songbench.domain.errors import InputError
from systems.songbloom.text import RELEASED, STRUCTURE_TAGS, Vocabulary
from systems.songbloom.text.vocabulary import PHONES


def test_the_released_vocabulary_is_330_symbols_tags_first():
    assert len(PHONES) == 322
    assert len(RELEASED.symbols) == 330
    assert RELEASED.symbols[:8] == ("", *STRUCTURE_TAGS)


def test_ids_follow_the_symbols():
    assert [RELEASED.symbols[i] for i in RELEASED.ids("[verse] n i2 h ao3 .")] == [
        "[verse]",
        "n",
        "i2",
        "h",
        "ao3",
        ".",
    ]
    assert RELEASED.id_of("[verse]") == 1


def test_empty_text_and_double_spaces_are_the_empty_symbol():
    assert RELEASED.ids("") == [0]
    assert RELEASED.ids("n  i2") == [RELEASED.id_of("n"), 0, RELEASED.id_of("i2")]


def test_unknown_symbols_are_left_out_and_named():
    assert RELEASED.ids("n oops i2") == RELEASED.ids("n i2")
    assert RELEASED.dropped("n oops i2") == ["oops"]


def test_an_unknown_symbol_has_no_id():
    with pytest.raises(InputError, match="no symbol 'oops'"):
        RELEASED.id_of("oops")


def test_a_file_gives_the_same_vocabulary(tmp_path):
    path = tmp_path / "vocab_g2p.yaml"
    path.write_text(yaml.safe_dump(list(RELEASED.symbols), allow_unicode=True), encoding="utf-8")
    assert Vocabulary.from_yaml(path) == RELEASED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: b", "not a list of symbols"),
        ("- [a, b]", "not a list of symbols"),
        ("- 'open", "not YAML"),
        ("- a\n- b\n- a", "more than once: 'a'"),
        ("- ''\n- '[verse]'\n- .", r"lacks '\[chorus\]'"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "vocab.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=f"vocab.yaml: The vocabulary .*{message}.*vocab_g2p.yaml"):
        Vocabulary.from_yaml(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: The vocabulary cannot be read"):
        Vocabulary.from_yaml(tmp_path / "nowhere.yaml")
