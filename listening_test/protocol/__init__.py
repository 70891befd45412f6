"""The protocol of a listening test: everything that is decided before the first answer is given."""

from listening_test.protocol.loading import load_protocol, preset_names
from listening_test.protocol.model import (
    FORMS,
    LANGUAGES,
    Analysis,
    Checks,
    Excerpt,
    Form,
    Items,
    Language,
    Listening,
    Localized,
    Protocol,
    Question,
    Raters,
    Scale,
    Screening,
    Show,
)

__all__ = [
    "FORMS",
    "LANGUAGES",
    "Analysis",
    "Checks",
    "Excerpt",
    "Form",
    "Items",
    "Language",
    "Listening",
    "Localized",
    "Protocol",
    "Question",
    "Raters",
    "Scale",
    "Screening",
    "Show",
    "load_protocol",
    "preset_names",
]
