import pytest

from songbench.contracts import registry
from songbench.contracts.metric import SetMetric, SongMetric
from songbench.contracts.registry import PluginError, SystemSpec
from songbench.contracts.system import System
from songbench.domain.errors import InputError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("rulebased", SystemSpec("rulebased")),
        ("songbloom:full_150s", SystemSpec("songbloom", "full_150s")),
        ("imported:suno-v5=a/b:c=d", SystemSpec("imported", "suno-v5", "a/b:c=d")),
        ("imported=x", SystemSpec("imported", None, "x")),
        ("muse:0.6b", SystemSpec("muse", "0.6b")),
    ],
)
def test_written_names(text, spec):
    assert SystemSpec.parse(text) == spec
    assert str(spec) == text


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("songbloom:mine.lora", "songbloom:mine=mine.lora"),
        ("songbloom:runs/step-2000/", "songbloom:step-2000=runs/step-2000/"),
        ("songbloom:a/b.v2.ckpt", "songbloom:b.v2=a/b.v2.ckpt"),
    ],
)
def test_a_path_has_the_name_of_its_file(text, spelling):
    assert SystemSpec.parse(text) == SystemSpec.parse(spelling)
    assert str(SystemSpec.parse(text)) == spelling


def test_everything_we_declare_can_be_built():
    for name in registry.names(registry.SYSTEMS):
        if name != "broken":
            assert isinstance(registry.build_system(name), System)
    for name in registry.names(registry.METRICS):
        assert isinstance(registry.build_metric(name), SongMetric | SetMetric)


def test_cards_are_complete():
    for name in registry.names(registry.SYSTEMS):
        if name != "broken":
            card = registry.build_system(name).card
            assert card.summary and card.licence and card.version, name
    for name in registry.names(registry.METRICS):
        metric = registry.build_metric(name)
        if "probe" not in name:
            card = metric.card
            assert card.id == name
            assert card.summary and card.limits and card.citation, name
            assert card.licence or not card.backend, name
            assert all(field.description for field in card.fields), name


def test_a_typo_gets_suggestions():
    with pytest.raises(InputError, match=r"no system 'rulbased'.*Did you mean 'rulebased'"):
        registry.build_system("rulbased")
    with pytest.raises(InputError, match=r"no metric 'fad@musicn'.*Did you mean 'fad@musicnn'"):
        registry.build_metric("fad@musicn")
    with pytest.raises(InputError, match=r"'fad' has no backend 'clap'.*Allowed: .*fad@musicnn"):
        registry.metric_ids("fad@clap")


def test_a_broken_plug_in_is_named_and_breaks_only_itself():
    with pytest.raises(PluginError, match=r"'broken' of songbench-probe 1\.0 cannot be loaded.*ModuleNotFoundError"):
        registry.build_system("broken")
    assert registry.build_system("noise").card.name == "noise"


def test_wrong_parameters_are_explained():
    with pytest.raises(InputError, match=r"field 'loudness': The system 'silence' has no setting 'loudness', nor any"):
        registry.build_system("silence", {"loudness": 3})
    with pytest.raises(InputError, match=r"The system 'noise' has no variants.*'pink'"):
        registry.build_system("noise:pink")
    with pytest.raises(InputError, match=r"The system 'noise' has no source.*'folder'"):
        registry.build_system("noise=folder")
    with pytest.raises(InputError, match=r"field 'voic': .*Did you mean 'voice'\? Allowed: genre, voice, arrangement"):
        registry.build_system("rulebased", {"voic": "female"})
    with pytest.raises(InputError, match=r"field 'layer': Expected a whole number, found 2\.5"):
        registry.build_metric("fad@mert-v1-95m", {"layer": 2.5})


def test_a_bare_metric_name_means_all_its_backends():
    assert registry.metric_ids("per") == [
        *("per@whisper-base-mix", "per@whisper-base-separated", "per@whisper-base-stem"),
        *("per@whisperx-large-v3", "per@whisperx-large-v3-mix"),
    ]
    assert registry.metric_ids("audio") == ["audio"]
    with pytest.raises(InputError, match="no metric 'pre'"):
        registry.metric_ids("pre")
