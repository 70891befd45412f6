import json
import os
import subprocess
import sys

import pytest

from songbench.domain.errors import InputError
from songbench.execution import composition
from songbench.execution.composition import compose
from songbench.resources import user_cache

CODE = """
import json, sys
from songbench.execution.composition import compose
print(json.dumps(compose({overrides!r})))
print(sorted({{"hydra", "omegaconf"}} & sys.modules.keys()))
"""


@pytest.fixture
def composed(tmp_path):
    """What a process of its own composes, and the libraries it loads for that; all share a cache folder."""

    def call(*overrides):
        env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
        code = CODE.format(overrides=overrides)
        process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        settings, libraries = process.stdout.splitlines()
        return json.loads(settings), libraries

    return call


def test_the_second_process_composes_the_same_without_hydra(composed, tmp_path):
    first, libraries = composed()
    assert libraries == "['hydra', 'omegaconf']"
    assert composed() == (first, "[]")
    assert composed("takes=2")[0] == {**first, "takes": 2}
    for path in (tmp_path / "songbench/settings").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert composed()[0] == first


def test_groups_are_told_apart_and_what_is_given_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(user_cache, "_folder", lambda kind: tmp_path / kind)
    for _ in range(2):
        composition._composed.cache_clear()
        default = compose()
        assert compose(["engine=inline"])["engine"]["name"] == "inline"
        assert compose(["name=${suite.source}"], {"suite.source": "core"})["name"] == "demo"
        compose()["systems"].append("another")
        assert compose() == default
        with pytest.raises(InputError, match="do not fit together"):
            compose(["name=${nothing}"])
    composition._composed.cache_clear()


def test_an_unwritable_cache_costs_time_only(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(user_cache, "_folder", lambda kind: tmp_path / "file" / kind)
    composition._composed.cache_clear()
    assert compose()["takes"] == 1
    assert user_cache.cached("settings", "0") is None


def test_the_oldest_files_make_way(monkeypatch, tmp_path):
    monkeypatch.setattr(user_cache, "_folder", lambda kind: tmp_path / kind)
    monkeypatch.setattr(user_cache, "MOST_FILES", 4)
    for number in range(5):
        user_cache.keep("answers", str(number), b"content")
    assert len(list((tmp_path / "answers").iterdir())) == 3
    assert user_cache.cached("answers", "4") == b"content"
