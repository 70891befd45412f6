"""Suites that ship with songbench: text only, as their audio is rendered from seeds when it is first needed."""

from pathlib import Path

DEMO = Path(__file__).with_name("demo.jsonl")
"""Six short prompts, English and Mandarin, CC0."""

VALIDATION = Path(__file__).with_name("validation.jsonl")
"""Eight prompts of five to seven sections, to be damaged by ``songbench validate-metrics``, CC0."""
