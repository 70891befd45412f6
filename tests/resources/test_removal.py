"""What is left of setups that were cut short, and of removals that were, is removed with the rest."""

import pytest

from songbench.contracts import registry
from songbench.domain.errors import InputError
from songbench.resources import removal, weights
from songbench.resources.environments import Environment, folder_of
from songbench.resources.weights import HubSource, WeightFile, Weights

ROOM = Environment(name="room", summary="A room.", requirements=("x==1",), licence="MIT")


def toy(name, repository):
    source = HubSource(repository, "main")
    return Weights(
        name=name, version="1", summary="Toy.", licence="CC0-1.0", files=(WeightFile("model.bin"),), sources=(source,)
    )


BASE, LARGE, SINGLE = toy("base", "authors/both"), toy("large", "authors/both"), toy("single", "authors/single")


@pytest.fixture(autouse=True)
def declared(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.delenv("SONGBENCH_ENV_ROOM", raising=False)
    plugins = {
        registry.WEIGHTS: {entry.name: entry for entry in (BASE, LARGE, SINGLE)},
        registry.ENVIRONMENTS: {"room": ROOM},
    }
    monkeypatch.setattr(registry, "names", lambda group: sorted(plugins.get(group, {})))
    monkeypatch.setattr(registry, "load", lambda group, name: plugins[group][name])


def test_beginnings_of_downloads_go_unless_they_may_be_of_other_weights():
    cache = weights.cache_folder()
    for place in (
        "downloads/hub/authors--both",
        "downloads/hub/authors--single",
        "single-ab12_cd3",
        "single-2-ab12_cd3",
    ):
        (cache / place).mkdir(parents=True)
        (cache / place / "piece").write_bytes(b"1234")
    base, single = removal.removals(["base", "single"], print)
    assert base.paths == () and base.size == 0, "the repository has files of 'large', too"
    assert single.size == 8
    removal.remove(single, print)
    remaining = sorted(str(path.parent.relative_to(cache)) for path in cache.rglob("piece"))
    assert remaining == ["downloads/hub/authors--both", "single-2-ab12_cd3"]


def test_a_removal_that_was_cut_short_is_finished():
    folder = folder_of(ROOM)
    for place in (folder, folder.with_name(f".{folder.name}.removed")):
        place.mkdir(parents=True)
        (place / "piece").write_bytes(b"1234")
    folder.with_name(f"{folder.name}.log").write_text("log")
    for name in ("room", "room"):
        (entry,) = removal.removals([name], print)
        removal.remove(entry, print)
    assert entry.paths == () and [path.suffix for path in folder.parent.iterdir()] == [".lock"]
    with pytest.raises(InputError, match="Did you mean 'room'"):
        removal.removals(["rooom"], print)
