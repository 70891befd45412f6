"""What a reader of an export must know: whose the songs are, under which licences, how they were made."""

from __future__ import annotations

from collections import Counter

from songbench.reporting.exporting.material import RunExport

NOT_SAID = "not said"


def licence_lines(export: RunExport) -> list[str]:
    """The licences of prompts and systems as a Markdown list; what follows for the songs, nobody here can say."""
    suite = export.results.suite
    prompts = Counter(prompt.licence or suite.licence or NOT_SAID for prompt in suite.prompts)
    counted = (f"{licence} ({count})" if len(prompts) > 1 else licence for licence, count in prompts.items())
    rows = [f"- lyrics and prompts of the suite {suite.name}: {', '.join(counted)}"]
    for card in export.results.systems:
        parts = [card.licence]
        parts += [f"code {card.code_licence}"] if card.code_licence else []
        parts += [f"weights {card.weights_licence}"] if card.weights_licence else []
        origin = f" ({card.upstream})" if card.upstream else ""
        rows.append(f"- songs of {card.name}{origin}: the system's licence is {'; '.join(parts)}")
    rows += [
        "",
        "These are the licences that authors of prompts and systems state. What they mean for the songs, and whether"
        " these may be shared or sold, they say themselves; look there before you pass songs on.",
    ]
    return rows
