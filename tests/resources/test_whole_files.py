"""Files that other libraries write appear whole, or what was there before stays."""

import pytest

from songbench.resources.files import is_scratch, whole_path


def test_the_file_takes_its_name_at_the_end(tmp_path):
    path = tmp_path / "new" / "model.safetensors"
    with whole_path(path) as scratch:
        scratch.write_bytes(b"weights")
        assert is_scratch(scratch) and not path.exists()
    assert path.read_bytes() == b"weights"
    assert list(path.parent.iterdir()) == [path]


def test_what_was_there_survives_an_error(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"earlier")
    with pytest.raises(OSError, match="no room"), whole_path(path) as scratch:
        scratch.write_bytes(b"half")
        raise OSError("no room")
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]
