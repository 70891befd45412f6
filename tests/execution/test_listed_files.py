"""The files of a report are written one by one, as they come, and their list at the end."""

from __future__ import annotations

import errno

import pytest

from songbench.domain.errors import StoreWriteError
from songbench.execution import checksums
from songbench.execution.checksums import SUMS, file_faults, read_sums, write_listed

OWNED = ("*.txt",)


def test_each_file_is_there_before_the_next_is_asked_for(tmp_path):
    def contents():
        yield "b.txt", b"second in the list"
        assert (tmp_path / "b.txt").read_bytes() == b"second in the list" and not (tmp_path / SUMS).exists()
        yield "a.txt", b"first in the list"

    assert write_listed(tmp_path, contents(), owned=OWNED) == [tmp_path / "b.txt", tmp_path / "a.txt"]
    assert list(read_sums(tmp_path)) == ["a.txt", "b.txt"] and file_faults(tmp_path, OWNED) == []


def test_nothing_is_removed_and_the_list_stays_when_the_contents_end_with_an_error(tmp_path):
    write_listed(tmp_path, [("a.txt", b"1"), ("old.txt", b"2")], owned=OWNED)
    listed = (tmp_path / SUMS).read_bytes()

    def contents():
        yield "a.txt", b"3"
        raise PermissionError(errno.EACCES, "of the store, not of the report")

    with pytest.raises(PermissionError, match="of the store"):
        write_listed(tmp_path, contents(), owned=OWNED)
    assert (tmp_path / "old.txt").exists() and (tmp_path / SUMS).read_bytes() == listed
    assert [fault.name for fault in file_faults(tmp_path, OWNED)] == ["a.txt"]


def test_a_full_disk_is_said_and_files_are_whole(tmp_path, monkeypatch):
    write_listed(tmp_path, [("a.txt", b"1"), ("b.txt", b"2")], owned=OWNED)
    write = checksums.write_atomically

    def full(path, data):
        if path.name == "b.txt":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(checksums, "write_atomically", full)
    with pytest.raises(StoreWriteError, match=r"report cannot be written to .*: No space left on device"):
        write_listed(tmp_path, [("a.txt", b"3"), ("b.txt", b"4")], owned=OWNED)
    assert (tmp_path / "a.txt").read_bytes() == b"3" and (tmp_path / "b.txt").read_bytes() == b"2"
