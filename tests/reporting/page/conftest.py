"""The report page of the full made-up run, written once."""

from dataclasses import replace

import pytest
from made_up_run import full_run
from report_pages import write_page


@pytest.fixture(scope="package")
def run_page(tmp_path_factory):
    """The folder of the full run's report, and its page."""
    folder, results = tmp_path_factory.mktemp("report"), full_run()
    languages = {number: "en" if number % 2 else "zh" for number in range(len(results.suite.prompts))}
    prompts = [
        replace(prompt, language=languages[number], tags={"genre": "pop", "title": f"song {number}"})
        for number, prompt in enumerate(results.suite.prompts)
    ]
    return folder, write_page(replace(results, suite=replace(results.suite, prompts=tuple(prompts))), folder)
