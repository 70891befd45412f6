"""Archives are read as numpy reads them, and nothing damaged or executable passes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest

from songbench.execution.npz import read_npz

ARRAYS = {
    "plain": np.arange(6, dtype="float32").reshape(2, 3),
    "by columns": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    "empty": np.zeros((0, 4), dtype="uint8"),
    "number": np.array(1.5),
    "text": np.array("Füße"),
    "none": np.array(""),
    "fields": np.array([(1, 2.0)], dtype=[("zähler", "i4"), ("b", "f8")]),
    "name.npy": np.array([True, False]),
}


def packed(arrays, save=np.savez_compressed):
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_those_that_numpy_reads(save):
    data = packed(ARRAYS, save)
    for _ in range(2):  # the second time with headers remembered
        arrays = read_npz(data)
        with np.load(io.BytesIO(data)) as archive:
            assert list(arrays) == archive.files == list(ARRAYS)
            for name, array in arrays.items():
                expected = archive[name]
                assert (array.dtype, array.shape) == (expected.dtype, expected.shape), name
                assert np.array_equal(array, expected) and array.flags.writeable, name
                assert array.flags.f_contiguous == expected.flags.f_contiguous, name
        arrays["plain"][:] = 0


def test_objects_are_refused():
    with pytest.raises(ValueError):
        read_npz(packed({"a": np.array([{}], dtype=object)}))


def test_a_cut_or_altered_archive_is_noticed():
    data = packed({"a": np.arange(50.0), "b": np.array("words")})
    errors = (ValueError, LookupError, OSError, EOFError, RuntimeError, TypeError, NotImplementedError)
    for place in range(len(data)):
        for harmed in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
            try:
                arrays = read_npz(harmed)
            except (*errors, zipfile.BadZipFile, zlib.error, struct.error):
                continue
            assert len(harmed) == len(data), "a cut archive has no table of contents"
            if set(arrays) == {"a", "b"}:
                assert np.array_equal(arrays["a"], np.arange(50.0)) and arrays["b"] == "words"
