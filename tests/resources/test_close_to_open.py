"""What other machines create on a network file system is seen, although this one was told that it is not there."""

import builtins
import contextlib
import os
import stat
from pathlib import Path

import pytest

from songbench.domain.hashing import bytes_digest
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob
from songbench.resources.close_to_open import open_folder, read_file, stat_file


class NfsClient:
    """Believes of what it has found absent that it stays so until the folder is opened, as clients of NFS do."""

    def __init__(self, root):
        self._root, self._absent, self.folders = str(root), set(), []
        self._stat, self._open, self.away = os.stat, os.open, False

    @contextlib.contextmanager
    def other_machine(self):
        """What is done on another machine."""
        self.away = True
        yield
        self.away = False

    def patch(self, monkeypatch):
        for owner, name in ((os, "stat"), (os, "open"), (builtins, "open")):
            monkeypatch.setattr(owner, name, self._looking(getattr(owner, name)))

    def _looking(self, call):
        def inspect(path, *arguments, **keywords):
            name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
            if self.away or name is None or not str(name).startswith(self._root):
                return call(path, *arguments, **keywords)
            if name in self._absent or any(name.startswith(f"{absent}/") for absent in self._absent):
                raise FileNotFoundError(name)
            try:
                result = call(path, *arguments, **keywords)
            except FileNotFoundError:
                self._absent.add(name)
                raise
            if call is self._open and stat.S_ISDIR(self._stat(name).st_mode):
                self.folders.append(name)
                self._absent = {absent for absent in self._absent if Path(absent).parent != Path(name)}
            return result

        return inspect


@pytest.fixture
def client(tmp_path, monkeypatch):
    """This machine's, for what lies in the test's folder."""
    client = NfsClient(tmp_path)
    client.patch(monkeypatch)
    return client


def test_a_file_that_was_not_there_is_found_when_another_machine_has_written_it(client, tmp_path):
    path = str(tmp_path / "deep" / "folder" / "file")
    for inspect in (read_file, stat_file):
        with pytest.raises(FileNotFoundError):
            inspect(path)
    with client.other_machine():
        (tmp_path / "deep" / "folder").mkdir(parents=True)
        (tmp_path / "deep" / "folder" / "file").write_bytes(b"song")
    with pytest.raises(FileNotFoundError):
        Path(path).stat()
    assert read_file(path) == b"song"
    assert stat_file(path).st_size == 4


def test_what_is_there_is_not_asked_for_twice(client, tmp_path):
    (tmp_path / "file").write_bytes(b"song")
    assert read_file(str(tmp_path / "file")) == b"song" and stat_file(str(tmp_path / "file")).st_size == 4
    assert client.folders == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_folder(str(tmp_path / "no" / "folder"))
    with pytest.raises(FileNotFoundError):
        open_folder("no folder")


def test_a_store_finds_what_another_machine_has_stored(client, tmp_path):
    local = Store(str(tmp_path / "store"))
    keys = [f"{number:02x}" * 32 for number in range(3)]
    blob = Blob(f"{bytes_digest(b'sound')}.flac")

    def inspect():
        presence = [local.get("songs", key) is not None for key in keys]
        presence += [local.size(f"records/scores/{key[:2]}/{key}.json") is not None for key in keys]
        presence += [local.has_feature(key) for key in keys]
        return [*presence, local.peek(blob.place) is not None, local.modified("sessions/one") is not None]

    assert not any(inspect())
    with client.other_machine():
        store = Store(str(tmp_path / "store"))
        for key in keys:
            store.save("songs", key, {"seconds": 1})
            store.save("scores", key, {"value": 1})
            store.put_feature(key, b"npz")
        store.put_blob(b"sound", "flac")
        store.create("sessions/one", b"{}")
    assert all(inspect())
