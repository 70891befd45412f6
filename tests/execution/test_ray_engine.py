"""The engine that is Ray: two nodes of real processes on this machine, one of which is lost in the middle."""

import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import time

import command_line
import pytest
from ray_cluster import ray_cluster

from songbench.domain.errors import InputError
from songbench.execution.config import compose
from songbench.execution.engine import ray_address, ray_engine
from songbench.execution.settings import read_settings
from songbench.execution.store import Store


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("engine.address=ray://head:10001", "start the run on a machine of the cluster"),
        ("engine.timeout_s=0", "needs a timeout_s above 0"),
        ("engine.cpus=0", "needs cpus or gpus above 0"),
        ("engine.address=head", "'head' is not host:port"),
        ("engine.address=head:port", "'head:port' is not host:port"),
        ("engine.address=head:70000", "'head:70000' is not host:port"),
        ("engine.address='::1:6379'", r"write an address of IPv6 as \[host\]:port"),
    ],
)
def test_settings_that_cannot_work_are_refused(override, message):
    with pytest.raises(InputError, match=message):
        read_settings(compose(["engine=ray", override], {}))


def test_without_ray_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"needs Ray.*pip install 'songbench\[ray\]'"):
        ray_engine.import_ray()


@pytest.mark.parametrize(
    ("address", "parts"),
    [("head:6379", ("head", 6379)), ("127.0.0.2:80", ("127.0.0.2", 80)), ("[fe80::1]:6379", ("fe80::1", 6379))],
)
def test_addresses_have_two_parts(address, parts):
    assert ray_address.host_and_port(address) == parts
    assert read_settings(compose(["engine=ray", f"engine.address='{address}'"], {})).engine.address == address


def engine_at(address, tmp_path):
    settings = read_settings(compose(["engine=ray", f"engine.address='{address}'"], {})).engine
    return ray_engine.RayEngine(settings, Store(str(tmp_path / "store")), tmp_path / "run")


def test_where_nothing_listens_the_address_and_the_cure_are_said(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.setattr(ray_address, "CONNECT_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match=f"at '127.0.0.1:{port}': nothing listens .*ray start --head") as raised:
        _ = engine_at(f"127.0.0.1:{port}", tmp_path).workers
    assert raised.value.field == "engine.address"


def test_a_head_that_is_being_started_is_waited_for():
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        threading.Timer(0.5, late.listen).start()
        ray_address._connect("127.0.0.1", late.getsockname()[1], name="head")


def test_without_a_ray_on_this_machine_auto_is_refused(tmp_path, monkeypatch):
    services = pytest.importorskip("ray._private.services", reason="Ray is not installed")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(services, "find_gcs_addresses", set)
    monkeypatch.setattr(services, "find_bootstrap_address", lambda _: None)
    with pytest.raises(InputError, match="at 'auto': Could not find any running Ray"):
        _ = engine_at("auto", tmp_path).workers


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("answer", ["nothing", "HTTP"])
def test_what_listens_without_being_ray_ends_the_run(tmp_path, suite_file, answer):
    """Whatever answers, the run ends by itself, and says why."""
    pytest.importorskip("ray", reason="Ray is not installed")
    server = socketserver.ThreadingTCPServer if answer == "nothing" else http.server.ThreadingHTTPServer
    handler = Silence if answer == "nothing" else http.server.BaseHTTPRequestHandler
    with server(("0.0.0.0", 0), handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{listening.server_address[1]}"
        words = words_of(tmp_path, suite_file(1), "--set", "engine=ray", "--set", f"engine.address={address}")
        process = command_line.fresh(words, cwd=tmp_path, env=dict(os.environ), timeout=300)
        listening.shutdown()
    assert process.returncode == 2, process.stderr
    message = " ".join(process.stderr.split())
    assert f"'engine.address': Ray cannot be reached at '{address}'" in message
    assert "does not answer as a Ray cluster" in message and "'ray start --head' starts one" in message


class Silence(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(4096):
            pass


def words_of(folder, suite, *more):
    words = ["run", "--suite", suite, "--systems", "probe:first,probe:second", "--metrics", "level@probe,spread@probe"]
    words += ["--store", folder / "store", "--runs", folder / "runs", "--takes", "2", "--quiet"]
    return [str(word) for word in [*words, "--set", "system.probe.seconds_each=0.3", *more]]


def leaderboard(folder):
    return {path.name: path.read_bytes() for path in (folder / "runs/small").glob("leaderboard.*")}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_node_that_is_lost_costs_nothing_but_its_last_songs(tmp_path, suite_file):
    pytest.importorskip("ray", reason="Ray is not installed")
    suite = suite_file(10)
    alone, cluster_run = tmp_path / "alone", tmp_path / "cluster"
    alone.mkdir(), cluster_run.mkdir()
    process = command_line.run(words_of(alone, suite, "--set", "engine=inline"), cwd=alone, env=dict(os.environ))
    assert process.returncode == 0, process.stderr

    variables = {**os.environ, "PROBE_LOG": str(cluster_run / "log")}
    with ray_cluster(2, {"PROBE_LOG": str(cluster_run / "log")}) as cluster:
        words = words_of(cluster_run, suite, "--set", "engine=ray", "--set", f"engine.address={cluster.address}")
        words += ["--set", "engine.batch=4"]
        run = command_line.start_fresh(
            words, cwd=cluster_run, env={**variables, **cluster.variables}, output=cluster_run / "output"
        )
        journal = cluster_run / "runs/small/journal.jsonl"
        while run.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= 12):
            time.sleep(0.05)
        logs = {path.name for path in (cluster_run / "runs/small/logs").iterdir()}
        cluster.kill(1)
        try:
            code = run.wait(500)
        except subprocess.TimeoutExpired:
            run.kill()
            code = run.wait()
    assert code == 0, (cluster_run / "output").read_text()
    assert logs == {"worker-0.log", "worker-1.log"}
    assert leaderboard(cluster_run) == leaderboard(alone) and leaderboard(alone)
    events = [json.loads(row) for row in journal.read_text().splitlines()]
    finished = [(event["stage"], event["item"]) for event in events if event.get("status") == "done"]
    assert len(finished) == len(set(finished)), "nothing twice"
    songs = [row.split() for row in (cluster_run / "log").read_text().splitlines() if " song " in row]
    assert 40 <= len(songs) <= 40 + 4, "only what the node was at is begun again"
    assert not list((cluster_run / "store").rglob("*.mark")) and not list((cluster_run / "runs").rglob("*.mark"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_whose_head_is_lost_ends_and_another_goes_on(tmp_path, suite_file):
    pytest.importorskip("ray", reason="Ray is not installed")
    suite, codes = suite_file(10), []
    songs = tmp_path / "store/records/songs"
    for is_lost in (True, False):
        with ray_cluster(2, {"PROBE_LOG": str(tmp_path / "log")}) as cluster:
            words = words_of(tmp_path, suite, "--set", "engine=ray", "--set", f"engine.address={cluster.address}")
            where = {"cwd": tmp_path, "env": {**os.environ, **cluster.variables}}
            run = command_line.start_fresh(words, **where, output=tmp_path / "output")
            while is_lost and run.poll() is None and len(list(songs.rglob("*.json"))) < 4:
                time.sleep(0.05)
            if is_lost:
                cluster.kill(0)
            codes.append(run.wait(400))
    assert codes == [1, 0], (tmp_path / "output").read_text()
    assert len(list(songs.rglob("*.json"))) == 40
    assert 40 <= (tmp_path / "log").read_text().count(" song ") <= 42, "only what the two actors were at is made again"
