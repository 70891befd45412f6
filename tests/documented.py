"""The commands that the documentation shows, as its reader finds them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(*pages):
    """Every line of every shell block of these pages, with the page's name."""
    for page in pages:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.strip().splitlines():
                if line and not line.startswith("#"):
                    yield page.name, line


def check(lines, run, pip=()):
    """Run what the lines call ``songbench``, once each, and hold that everything else is known to work.

    Args:
        lines: of `commands`.
        run: called with the words after ``songbench``; gives the finished process.
        pip: lines for pip that the test has seen to.

    Returns:
        How many different commands ran.
    """
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    done_already = set()
    for page, line in lines:
        words = shlex.split(line.removeprefix(".venv/bin/"))
        if words[0] == "make":
            assert set(words[1:]) <= targets, f"{page}: {line}"
        elif words[0] == "songbench" and line not in done_already:
            process = run(*words[1:])
            assert process.returncode == 0, f"{page}: {line}\n{process.stderr}\n{process.stdout}"
            done_already.add(line)
        elif words[0] == "pip":
            assert line.removeprefix(".venv/bin/") in pip, f"{page}: {line}"
        else:
            assert words[0] in ("songbench", "git", "cd", "bash", "python"), f"{page}: {line} is not known to work"
    return len(done_already)
