"""Worker processes: the messages of their channel, and their logs. How they die is tested where they are used."""

import ast
import io
import sys
from pathlib import Path

import pytest

from songbench.resources.processes import host
from songbench.resources.processes.log import KEPT_LOGS, WorkerLog, remove_old_logs


def test_the_host_is_one_file_for_old_pythons_without_songbench():
    tree = ast.parse(Path(host.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) for node in imports}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_messages_survive_the_wire():
    messages = (
        host.Call(1, "m", {"a": [1.5, None, "é\n"]}),
        host.Ready(0, "3.8.1", {"numpy": "1.0"}),
        host.PartialResult(2, ["x", "\ud800"]),
        host.Finished(2),
        host.Result(2, {"x": "\u2028"}),
        host.Error(3, "ValueError", "message", "traceback"),
        host.Heartbeat(4),
    )
    assert {type(message) for message in messages} == set(host.KINDS.values())
    for message in messages:
        line = host.encode(message, "token")
        assert line.isascii() and line.index("\n") == len(line) - 1
        assert host.decode(line, "token") == message


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "INFO\n",
        "token nothing\n",
        "token []\n",
        "token 3\n",
        'token ["end"]\n',
        'token {"kind": "result"}\n',
        'token {"kind": "x"}\n',
        'token {"kind": "heartbeat", "id": 1, "more": 1}\n',
        'token {"kind": "heartbeat", "y": 1}\n',
        'token {"kind": "heartbeat", "id": "1"}\n',
        'token {"kind": "error", "id": 1, "type": "ValueError", "message": null, "traceback": ""}\n',
        '{"kind": "heartbeat", "id": 1}\n',
        'other {"kind": "heartbeat", "id": 1}\n',
        'token {"kind": "heartbeat", "id": 1}',
    ],
)
def test_anything_else_is_no_message(line):
    with pytest.raises(ValueError, match="no message"):
        host.decode(line, "token")


def test_logs_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("songbench.resources.processes.log.MOST_BYTES", 1000)
    for number in range(KEPT_LOGS + 5):
        remove_old_logs(tmp_path)
        log = WorkerLog(tmp_path / f"toy-{number}.log")
        log.take(io.BufferedReader(io.BytesIO(b"x" * 70000 + b"end")))
        assert "end" in log.tail()
    assert len(list(tmp_path.iterdir())) <= KEPT_LOGS + 2
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= (KEPT_LOGS + 2) * 70003
