import pytest

from songbench.contracts import registry
from songbench.contracts.cards import READY
from songbench.contracts.metric import SetMetric, SongMetric
from songbench.contracts.registry import PluginError, SystemSpec
from songbench.contracts.system import System
from songbench.domain.errors import InputError
from songbench.execution.experiment import build_systems


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


class _Unreadable:
    """A system that breaks when it is asked for one of its attributes."""

    card = registry.build_system("noise").card

    def __init__(self, **_):
        pass

    @property
    def parameters(self):
        raise OSError("no such driver")

    def availability(self):
        return READY

    def generate(self, requests):
        yield from ()


class _WithoutCard(_Unreadable):
    @property
    def card(self):
        raise KeyError("card")


class _Dynamic:
    """A system that hands everything on to another."""

    def __init__(self):
        self._system = registry.build_system("noise")

    def __getattr__(self, name):
        return getattr(self._system, name)


def test_building_runs_no_property_but_the_card(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda *_: _Unreadable)
    assert registry.build_system("noise").card.name == "noise"
    with pytest.raises(PluginError, match=r"'parameters' of the system 'noise' \(.*\) .*OSError: no such driver"):
        build_systems(["noise"], {})
    monkeypatch.setattr(registry, "load", lambda *_: _WithoutCard)
    with pytest.raises(PluginError, match=r"'card' of the system 'noise' .*KeyError"):
        registry.build_system("noise")


def test_what_lacks_a_part_of_the_contract_is_refused(monkeypatch):
    class Mute:
        card, parameters, availability = _Unreadable.card, {}, _Unreadable.availability

    monkeypatch.setattr(registry, "load", lambda *_: Mute)
    with pytest.raises(PluginError, match="is not a System"):
        registry.build_system("noise")


def test_a_plug_in_may_make_its_attributes(monkeypatch):
    dynamic = _Dynamic()
    monkeypatch.setattr(registry, "load", lambda *_: lambda: dynamic)
    assert registry.build_system("noise") is dynamic


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
