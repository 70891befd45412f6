"""Reports on made-up answers, one per form, built once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_up_answers import make_answers, make_run

from listening_test.analysis.analyse import analyse
from listening_test.reporting.assemble import SourceRun, make_report


@pytest.fixture(scope="session")
def report_of(tmp_path_factory):
    """A function that gives the report on a form's answers, with or without a run."""
    reports = {}

    def make(form="acr", *, simulated=False, run=True, **more):
        key = (form, simulated, run, *sorted(more.items()))
        if key not in reports:
            data = make_answers(form, simulated=simulated, **more)
            run_or_reason = SourceRun(make_run(), tmp_path_factory.mktemp("run")) if run else "There is no run 'demo'."
            reports[key] = make_report(data, analyse(data), run_or_reason, sources=("answers.jsonl (12 raters)",))
        return reports[key]

    return make
