"""Visitors in a real browser."""

import sys
from pathlib import Path

import pytest
from visitor import PHONE, Visitor

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("collection", "preparation")]


@pytest.fixture
def visit(browser):
    """A function that opens an address in a browser of its own and gives the visitor."""
    contexts, visitors = [], []

    def open_page(url, *, phone=False, locale="en-US", context=None, **options):
        if context is None:
            size = PHONE if phone else {"viewport": {"width": 1280, "height": 800}}
            context = browser.new_context(locale=locale, **size, **options)
            context.set_default_timeout(20_000)
            contexts.append(context)
        visitors.append(Visitor(context, url))
        return visitors[-1]

    yield open_page
    for context in contexts:
        context.close()
    for visitor in visitors:
        assert not visitor.troubles, visitor.troubles
