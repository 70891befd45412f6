"""Suites that ship with songbench: text only, as their audio is rendered from seeds when it is first needed."""

from pathlib import Path

DEMO = Path(__file__).with_name("demo.jsonl")
"""Six short prompts, English and Mandarin, CC0."""
