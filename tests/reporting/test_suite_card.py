from pathlib import Path

from songbench.domain.suite import load_suite
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.suite_card import page, statistics_lines, suite_card
from songbench.suites import DEMO

PAGE = Path(__file__).parents[2] / "docs/suite-core.md"


def test_the_page_of_the_documentation_is_current():
    assert PAGE.read_text(encoding="utf-8") == page("core"), (
        "The suite has changed: python -m songbench.reporting.suite_card core > docs/suite-core.md"
    )


def test_a_card_says_what_a_suite_consists_of():
    suite = load_suite(DEMO)
    text = to_markdown(suite_card(suite))
    assert "| folk | 1 | 0 | 1 |" in text and "| prompts | 4 | 2 | 6 |" in text
    assert suite.key() in text and "6 cut from the reference song" in text
    facts = dict(statistics_lines(suite))
    assert facts["languages"] == "en 4, zh 2" and facts["seconds"] == "22 to 30, mean 25"
    assert facts["similarity"] == "no two prompts share 3 words in a row; no line is in two prompts"
