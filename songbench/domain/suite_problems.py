"""What is wrong with a suite file, said in one message."""

from __future__ import annotations

import shlex

from songbench.domain.errors import InputError
from songbench.domain.unknown_tags import UnknownTagsError

_SHOWN = 20
_TAGS_SHOWN = 200


def unknown_tags(errors: list[tuple[int, str, UnknownTagsError]], file: str) -> InputError:
    """All unknown tags of a file in one error."""
    number, _, first = errors[0]
    command = f"songbench suites import {shlex.quote(file)} --from suno --to suite.jsonl"
    tags = [(line, prompt, tag) for line, prompt, error in errors for tag in error.tags]
    if len(tags) == 1:
        _, _, tag = tags[0]
        where = f"In line {tag.line} of the lyrics: " if tag.line > 1 else ""
        return InputError(
            f"{where}{first.message}",
            file=file,
            line=number,
            field="lyrics",
            value=first.value,
            allowed=first.allowed,
            cure=f"{command} maps the usual ones." if first.value or "Write" in first.message else None,
        )
    rows = [f"  line {line}, prompt '{prompt}', line {tag.line} of the lyrics: {tag}" for line, prompt, tag in tags]
    if len(rows) > _TAGS_SHOWN:
        rows[_TAGS_SHOWN:] = [f"  and {len(rows) - _TAGS_SHOWN} more"]
    return InputError(
        f"{len(tags)} section tags are not known:\n" + "\n".join(rows) + "\n ",
        file=file,
        line=number,
        field="lyrics",
        allowed=first.allowed,
        cure=f"{command} maps the usual ones.",
    )


def all_problems(problems: list[InputError], file: str) -> InputError:
    """One problem as it is; several as a list."""
    if len(problems) == 1:
        return problems[0]
    rows = []
    for error in problems[:_SHOWN]:
        field = f", field '{error.field}'" if error.field else ""
        rows.append(f"  line {error.line}{field}: {error.explanation}")
    if len(problems) > _SHOWN:
        rows.append(f"  and {len(problems) - _SHOWN} more")
    first = problems[0]
    return InputError(
        f"{len(problems)} things are wrong:\n" + "\n".join(rows), file=file, line=first.line, field=first.field
    )
