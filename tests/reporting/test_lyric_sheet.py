import io
import json

from rich.console import Console

from songbench.domain.lyric_remarks import summary
from songbench.domain.suite import load_suite
from songbench.execution.config import plan_experiment
from songbench.reporting.lyric_sheet import suite_sheet


def sheet(tmp_path, *rows):
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


ROWS = (
    {
        "id": "a",
        "lyrics": "[intro] [intro]\n[verse]\nWe are here\nChorus:\nTomorrow",
        "seconds": 9,
    },
    {"id": "b", "lyrics": "[verse]\n月亮升起来了", "language": "zh"},
)


def printed(suite):
    console = Console(file=io.StringIO(), width=100)
    console.print(suite_sheet(suite))
    return console.file.getvalue()


def test_a_suite_is_shown_as_it_will_be_sung(tmp_path):
    text = printed(load_suite(sheet(tmp_path, *ROWS)))
    for words in ("en (detected)", "│ zh ", "[intro] 2 s", "  1  We are here", "  2  Chorus:", "  3  Tomorrow"):
        assert words in text
    assert "1 to look at:" in text and "a: sung line 2 looks like a section heading: 'Chorus:'" in text
    assert "Nothing looks odd." in printed(load_suite(sheet(tmp_path, ROWS[1])))


def test_a_run_repeats_the_first_remarks_and_says_where_all_are(tmp_path):
    path = str(sheet(tmp_path, *ROWS))
    experiment = plan_experiment(suite=path, systems=["silence"], metrics=["audio"], overrides=["engine=inline"])
    assert experiment.remarks[0].startswith("look at a: sung line 2 looks like a section heading")
    assert f"songbench suites {path}" in experiment.remarks[1]
    assert summary([], path) == () and "(and 2 more)" in summary(list("abcde"), path)[-1]
