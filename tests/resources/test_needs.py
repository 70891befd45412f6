"""What names of weights, environments, systems, metrics and presets stand for, and what is told while it is fetched."""

import hashlib
import http.server
import threading
import time

import pytest

from songbench.contracts import registry
from songbench.contracts.cards import READY, Field, MetricCard, unavailable
from songbench.domain.errors import InputError, UnavailableError
from songbench.execution import config, doctor
from songbench.execution.config import metric_presets, metric_selection, plan_experiment
from songbench.resources import environments, needs, weights
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, UrlSource, WeightFile, Weights

DATA = bytes(range(256)) * 2000
FILE = WeightFile("model.bin", hashlib.sha256(DATA).hexdigest(), len(DATA))


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.delenv("SONGBENCH_MIRROR", raising=False)


@pytest.fixture
def declared(monkeypatch):
    """Some weights, an environment and a metric that needs both, besides what is installed."""
    toy = Weights(name="toy", version="1", summary="A toy.", licence="CC0-1.0", files=(FILE,), sources=())
    room = Environment(
        name="room",
        summary="A room.",
        requirements=("x==1",),
        licence="for tests only",
        about=2_000_000_000,
        restricted=True,
    )

    class Metric:
        card = MetricCard(
            name="mine",
            backend="toy",
            version="1",
            fields=(Field("mine"),),
            summary="Mine.",
            needs=("toy", "an ordinary package", "room"),
        )

        def __init__(self, options=None):
            self.options = options

        def availability(self):
            return environments.availability(room)

        def score(self, songs, features):
            return iter(())

    plugins = {
        registry.WEIGHTS: {"toy": toy},
        registry.ENVIRONMENTS: {"room": room},
        registry.METRICS: {"mine@toy": Metric},
    }
    names, load = registry.names, registry.load
    monkeypatch.setattr(registry, "names", lambda group: sorted([*names(group), *plugins.get(group, {})]))
    monkeypatch.setattr(registry, "load", lambda group, name: plugins.get(group, {}).get(name) or load(group, name))
    return toy, room


def test_every_kind_of_name(declared):
    toy, room = declared
    assert needs.asked_for("toy") == [toy]
    assert needs.asked_for("room") == [room]
    assert needs.asked_for("mine@toy") == needs.asked_for("mine") == [toy, room]
    assert [one.name for one in needs.asked_for("fad@musicnn")] == ["musicnn"]
    assert {one.name for one in needs.asked_for("per")} >= {"whisper-base", "htdemucs"}
    assert next(one.name for one in needs.asked_for("songbloom")).startswith("songbloom")
    assert needs.asked_for("silence") == []
    with pytest.raises(InputError, match=r"nothing to set up called 'rooom'\. Did you mean 'room'"):
        needs.asked_for("rooom")


def test_facts_before_anything_is_fetched(declared, monkeypatch):
    toy, room = declared
    assert needs.facts(toy) == needs.NeedFacts(
        name="toy",
        kind="weights",
        size="512 kB",
        bytes=len(DATA),
        revision="1",
        licence="CC0-1.0",
        restricted=False,
        present=False,
    )
    assert needs.facts(room).size == "about 2.0 GB" and needs.facts(room).restricted
    monkeypatch.setenv("SONGBENCH_ENV_ROOM", "/usr/bin/python3")
    assert needs.facts(room).present and needs.facts(room).revision == "of your own"
    monkeypatch.delenv("SONGBENCH_ENV_ROOM")
    with pytest.raises(InputError, match=r"environment 'room' is under.*songbench setup mine --accept-licence"):
        needs.require_licences([toy, room], accepted=False, names="mine")
    with pytest.raises(InputError, match="restricted"):
        needs.set_up(room, say=lambda _: None)
    assert (
        weights.revision_of(
            Weights(name="a", version="7", summary="", licence="", files=(FILE,), sources=(HubSource("o/n", "abc"),))
        )
        == "abc"
    )


def test_presets_bare_names_and_mistakes(declared):
    embedded = metric_presets()["embedded"]["select"]
    assert metric_selection(["embedded"]) == embedded
    assert metric_selection(["rtf", "mine", "embedded"])[:2] == ["rtf", "mine@toy"]
    assert len(metric_selection(["embedded", *embedded])) == len(embedded), "each once"
    assert set(metric_selection(["per"])) >= {"per@whisper-base-mix", "per@whisper-base-stem"}
    for wrong, guess in (("embeded", "embedded"), ("rtff", "rtf"), ("mien@toy", None)):
        with pytest.raises(InputError) as caught:
            metric_selection([wrong])
        assert f"no metric '{wrong}'" in str(caught.value)
        assert guess is None or f"Did you mean '{guess}'?" in str(caught.value)
    with pytest.raises(InputError, match="no backend 'no'"):
        metric_selection(["per@no"])


def test_a_preset_reports_what_is_missing_and_a_name_insists(declared, monkeypatch, suite_file, tmp_path):
    presets = {"wide": {"select": ["mine@toy", "rtf"], "mine": {"options": {"a": 1, "b": 3}}}}
    monkeypatch.setattr(config, "metric_presets", lambda: presets)
    common = {"suite": str(suite_file(1)), "systems": ["silence"], "store": str(tmp_path), "runs": str(tmp_path)}
    experiment = plan_experiment(metrics=["wide"], overrides=["metric.mine.options.a=2"], **common)
    assert [metric.id for metric in experiment.metrics] == ["mine@toy", "rtf"]
    assert [metric.id for metric in experiment.ready_metrics] == ["rtf"]
    assert experiment.metrics[0].parameters == {"options": {"a": 2, "b": 3}}
    assert experiment.config["metric"]["mine"] == {"options": {"a": 2, "b": 3}}, "what is set wins over the preset"
    with pytest.raises(UnavailableError, match="songbench setup mine@toy --accept-licence"):
        plan_experiment(metrics=["wide", "mine"], **common)
    with pytest.raises(InputError, match="Did you mean 'wide'"):
        plan_experiment(metrics=["wid"], **common)


def test_the_doctor_says_what_would_run_and_what_the_others_lack(declared, monkeypatch):
    ready, *checks = doctor._runnable(registry.METRICS)
    assert ready.state == "ok" and "rtf" in ready.finding and "mine@toy" not in ready.finding
    (metric,) = [check for check in checks if check.subject == "metric mine@toy"]
    assert metric.state == "note" and metric.cure == "songbench setup mine@toy --accept-licence"
    assert "'toy'" in metric.finding and "'room'" in metric.finding, "everything that is missing, not what is met first"
    ready, *checks = doctor._runnable(registry.SYSTEMS)
    assert "rulebased" in ready.finding
    assert [check.state for check in checks if check.subject == "system broken"] == ["bad"]
    assert doctor._environment("room").cure == "songbench setup room --accept-licence"
    monkeypatch.setenv("SONGBENCH_ENV_ROOM", "/bin/false")
    assert doctor._environment("room").state == "bad"
    assert "SONGBENCH_ENV_ROOM" in doctor._environment("room").cure


def test_a_download_tells_how_far_it_is(monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            for start in range(0, len(DATA), len(DATA) // 4):
                self.wfile.write(DATA[start : start + len(DATA) // 4])
                self.wfile.flush()
                time.sleep(0.05)

        def log_message(self, *_):
            pass

    monkeypatch.setattr(weights, "_LOOK_SECONDS", 0.01)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        source = UrlSource(f"http://127.0.0.1:{httpd.server_port}")
        steps = []
        toy = Weights(name="toy", version="1", summary="A toy.", licence="CC0-1.0", files=(FILE,), sources=(source,))
        needs.set_up(toy, say=lambda _: None, progress=lambda position, size: steps.append((position, size)))
        httpd.shutdown()
    assert steps[-1] == (len(DATA), len(DATA))
    assert {size for _, size in steps} == {len(DATA)}
    assert [position for position, _ in steps] == sorted(position for position, _ in steps)
    assert READY.ready and not unavailable("x", "y").ready


def test_of_several_things_that_are_missing_all_are_counted_and_one_command_gets_them(tmp_path, monkeypatch):
    environment = Environment(name="far", summary="", requirements=(), licence="MIT", about=2_000_000_000)
    models = [
        Weights(
            name=f"far-{number}",
            version="1",
            summary="",
            licence="CC BY-NC 4.0",
            files=(WeightFile("model.pt", about=500_000_000),),
            sources=(),
            restricted=True,
        )
        for number in range(2)
    ]
    state = needs.availability_together([environment, *models], "far:big")
    assert state.reason == "environment, 2 weights are not here (about 3.0 GB, some of it under restricted licences)"
    assert state.cure == "songbench setup far:big --accept-licence"
    assert "'far' (about 2.0 GB, MIT) is not set up" in needs.availability_together([environment], "far").reason
    monkeypatch.setenv("SONGBENCH_ENV_FAR", str(tmp_path / "nowhere"))
    assert "SONGBENCH_ENV_FAR names" in needs.availability_together([environment, *models], "far").reason
    assert needs.availability_together([], "far").ready
