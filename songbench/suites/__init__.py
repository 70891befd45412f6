"""Suites that ship with songbench: text only, as their audio is rendered from seeds when it is first needed."""

from pathlib import Path

DEMO = Path(__file__).with_name("demo.jsonl")
"""Six short prompts, English and Mandarin, CC0."""

CORE = Path(__file__).with_name("core.jsonl")
"""A hundred prompts of 60 to 150 seconds, fifty English and fifty Mandarin, CC0."""

CORE_MINI = Path(__file__).with_name("core-mini.jsonl")
"""Twelve of the shorter prompts of `CORE`, six in each language."""

VALIDATION = Path(__file__).with_name("validation.jsonl")
"""Eight prompts of five to seven sections, to be damaged by ``songbench validate-metrics``, CC0."""

SIMILARITY_BOUNDS = {"core": 0.05, "core-mini": 0.05}
"""What the similarity of any two lyrics of a suite is held below (`songbench.domain.lyric_similarity`), 0-1."""

V2A_DEMO = Path(__file__).with_name("v2a-demo.jsonl")
"""Six short vocals to accompany, English and Mandarin, CC0."""

V2A_CORE = Path(__file__).with_name("v2a-core.jsonl")
"""The vocals of the reference songs of `CORE`, to accompany, CC0; written by `songbench.suites.vocal_suite`."""
