"""Protocol files: what ships, what is inherited, what is refused and how it is told."""

import pytest

from listening_test.protocol import FORMS, LANGUAGES, Protocol, load_protocol, preset_names
from songbench.domain.errors import InputError


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_everything_in_every_language(name):
    protocol = load_protocol(name)
    assert protocol.name == name and protocol.form in FORMS
    texts = [
        protocol.title,
        *(text for one in protocol.scales for text in (one.label, one.question, *one.points.values())),
    ]
    assert all(set(text) == set(LANGUAGES) and all(text.values()) for text in texts)
    assert Protocol.model_validate(protocol.to_json()) == protocol


def test_the_presets_of_papers_have_their_scales():
    assert [one.id for one in load_protocol("songbloom").scales] == ["MUS-V", "MUS-A", "QLT-V", "QLT-A", "CRR", "CST"]
    assert [one.id for one in load_protocol("ladaband").scales] == ["AQ", "MA", "ON"]
    assert [one.id for one in load_protocol("levo").scales] == ["OVL", "MEL", "HAM", "SSC", "AQ", "LYC"]
    assert len(load_protocol("heartmula").scales) == 7


def test_a_file_inherits_from_a_preset_and_overrides_win(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("preset: levo\nname: mine\nlistening: {loudness: -16}\nchecks: {traps: 1}\n", encoding="utf-8")
    protocol, levo = load_protocol(path, {"checks": {"traps": 3}}), load_protocol("levo")
    assert (protocol.name, protocol.listening.loudness, protocol.checks.traps) == ("mine", -16, 3)
    assert protocol.scales == levo.scales and protocol.listening.rate == levo.listening.rate
    assert protocol.digest() != levo.digest() != load_protocol("levo", {"seed": 1}).digest()


SCALE = "scales: [{id: A, label: a, points: {1: low, 2: high}}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("preset: levo\nlistening:\n  loudnes: -20\n", r"line 3, field 'listening.loudnes'.*Did you mean 'loudness'"),
        ("preset: levoo\n", r"line 1: There is no preset 'levoo'.*Did you mean 'levo'"),
        (
            "preset: levo\nraters:\n  planned: 0\n",
            r"line 3, field 'raters.planned'.*Expected a number >= 1, found 0",
        ),
        ("preset: levo\nchecks: {anchors: [foo]}\n", r"line 2, field 'checks.anchors\[0\]'.*lowpass-3500"),
        ("preset: levo\nanalysis: {primary: X}\n", r"'X' is none of the scales OVL"),
        ("name: x\nform: acr\nscales: [{id: A, label: a, points: {1: low}}]\n", "two or more points"),
        ("name: x\nform: acr\nscales: [{id: A, label: a, points: {1: low, 3: high}}]\n", "without a gap"),
        ("name: x\nform: ccr\n" + SCALE, "-3 to 3"),
        ("name: x\nform: preference\n" + SCALE, "leave 'points' out"),
        ("name: x\nform: mushra\n" + SCALE, "labels 0 to 4"),
        ("name: x\nform: abx\n" + SCALE, r"line 2, field 'form'"),
        ("name: ../x\nform: acr\n" + SCALE, r"line 1, field 'name'"),
        ("name: x\nform: acr\n" + SCALE.replace("label: a", "label: a, only_with: prompt_audio"), "show.prompt_audio"),
        ("a: [", r"line 2: This is not valid YAML|line 1: This is not valid YAML"),
        ("- 1\n", "line 1: A protocol is a mapping"),
        ("", "line 1: A protocol is a mapping"),
        ("preset: levo\nseed: 1\nseed: 2\n", r"line 3, field 'seed': This field is there twice"),
        ("preset: levo\nraters: 12\n", r"line 2, field 'raters': Expected names with values.*found 12"),
        ("preset: levo\nraters:\n\tplanned: 3\n", r"line 3: This is not valid YAML.*Indent with spaces"),
        ("preset: levo\n\x00", "not text"),
        ("a: &x [*x]\n", "refers to itself"),
        (
            "a: ["
            + "&a [x, x, x, x, x, x, x, x], &b [*a, *a, *a, *a, *a, *a, *a, *a], &c [*b, *b, *b, *b, *b, *b, *b, *b],"
            " &d [*c, *c, *c, *c, *c, *c, *c, *c], [*d, *d, *d, *d, *d, *d, *d, *d]]\n",
            "more than 20000 values",
        ),
        ("a: " + "[" * 5000 + "\n", "refers to itself|not valid YAML"),
        (
            'preset: levo\nraters:\n  planned: 3\nconsent: {en: "\\uD800"}\n',
            r"line 4, field 'consent\.en'.*lone surrogates",
        ),
        ("preset: levo\nseed: 2024-99-99\n", "cannot be read.*Put dates"),
        (
            "preset: levo\nchecks: {traps: true}\n",
            r"line 2, field 'checks\.traps': Expected a whole number, found True",
        ),
        ("preset: levo\nlistening: {loudness: '-20'}\n", r"Expected a number, found '-20'\. Leave the quotes out"),
        ("preset: levo\nlistening: {loudness: .nan}\n", r"Expected a (finite )?number"),
        ("preset: levo\nshow: {lyrics: 1}\n", r"field 'show\.lyrics': Expected true or false, found 1"),
        ("preset: levo\n3: x\n", "Keys should be strings, found 3"),
        ("name: x\nform: acr\n" + SCALE.replace("id: A", "id: ON"), r"field 'scales\[0\]\.id'.*Put it in quotes"),
        (
            "preset: levo\nbackground: [{id: age, label: Age, options: {}}]\n",
            r"line 2, field 'background\[0\]\.options'",
        ),
        (
            "preset: levo\nbackground: [{id: a, label: A, options: {b: B}}, {id: a, label: A, options: {b: B}}]\n",
            "ids of background questions must differ",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        load_protocol(path)
    assert str(path) in str(error.value)


def test_what_is_wrong_with_an_option_is_not_blamed_on_the_file(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("preset: levo\nraters:\n  planned: 3\n", encoding="utf-8")
    for wrong in ({"raters": {"pages": 0}}, {"raters": {"page": 3}}, {"name": "my test"}):
        with pytest.raises(InputError, match="options of the command") as error:
            load_protocol(path, wrong)
        assert error.value.line is None and str(path) not in str(error.value)


def test_an_absent_file_is_told_from_a_misspelt_preset(tmp_path):
    with pytest.raises(InputError, match="No such protocol file"):
        load_protocol(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="Did you mean 'songbloom'"):
        load_protocol("songblom")
