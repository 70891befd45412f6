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


@pytest.fixture
def visit(browser):
    """A function that opens a page in a browser of its own; afterwards nothing must have gone wrong there."""
    contexts, troubles = [], []

    def open_page(address, **options):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        home = address.rsplit("/report", 1)[0]
        page.on("console", lambda message: troubles.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("response", lambda response: troubles.append(response.url) if response.status >= 400 else None)
        page.on(
            "request",
            lambda request: troubles.append(request.url) if not request.url.startswith((home, "blob:")) else None,
        )
        page.goto(address)
        page.wait_for_selector("h1")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
