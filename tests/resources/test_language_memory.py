import os
import subprocess
import sys

import pytest

from songbench.domain.language import detect_language
from songbench.resources import language_memory
from songbench.resources.language_memory import FILE, LanguageMemory

ENGLISH = ("Rain on the roof tonight", "and I am home")
MANDARIN = ("没有人知道", "今天天气很好")


@pytest.fixture
def detections(monkeypatch):
    """The texts that the detector itself is asked about."""
    texts = []

    def detect(lines):
        texts.append(tuple(lines))
        return detect_language(texts[-1])

    monkeypatch.setattr(language_memory, "detect_language", detect)
    return texts


@pytest.mark.parametrize("lines", [ENGLISH, MANDARIN, ("Bonjour tout le monde, je chante pour toi",), ("\ud800",), ()])
def test_the_second_answer_is_the_first_and_asks_nobody(tmp_path, detections, lines):
    first = LanguageMemory(tmp_path).detect(lines)
    assert first == detect_language(lines)
    assert LanguageMemory(tmp_path).detect(list(lines)) == first
    assert len(detections) == 1


def test_texts_and_code_are_told_apart(tmp_path, detections, monkeypatch):
    memory = LanguageMemory(tmp_path)
    assert memory.detect(ENGLISH).language == "en"
    assert memory.detect(MANDARIN).language == "zh"
    assert memory.detect(("\n".join(ENGLISH),)).language == "en"
    monkeypatch.setattr(language_memory, "_rules", lambda: ["other rules"])
    assert LanguageMemory(tmp_path).detect(ENGLISH).language == "en"
    assert len(detections) == 4


@pytest.mark.parametrize(
    "damage", [lambda row: row[:-9], lambda row: row.replace(b'"zh"', b'"ja"'), lambda row: b"\xff"]
)
def test_a_damaged_line_is_as_none(tmp_path, detections, damage):
    first = LanguageMemory(tmp_path).detect(MANDARIN)
    path = tmp_path / FILE
    path.write_bytes(damage(path.read_bytes()))
    for _ in range(3):  # the line that follows one without an end is lost with it
        assert LanguageMemory(tmp_path).detect(MANDARIN) == first
    assert len(detections) <= 3


def test_a_full_file_begins_anew(tmp_path, detections, monkeypatch):
    monkeypatch.setattr(language_memory, "MOST_BYTES", 200)
    for number in range(6):
        LanguageMemory(tmp_path).detect((f"There are {'many ' * number}words",))
    assert (tmp_path / FILE).stat().st_size < 600


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, detections):
    (tmp_path / "file").write_text("")
    memory = LanguageMemory(tmp_path / "file")
    assert memory.detect(ENGLISH) == memory.detect(ENGLISH) == detect_language(ENGLISH)


def test_a_suite_that_was_read_before_loads_neither_detector_nor_dictionary(tmp_path):
    code = (
        "import sys; from songbench.execution.experiment import find_suite; print(find_suite('demo').remarks);"
        "print([name for name in ('py3langid', 'misaki', 'numpy') if name in sys.modules])"
    )
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
        for _ in range(2)
    )
    assert second.splitlines() == [first.splitlines()[0], "[]"]
