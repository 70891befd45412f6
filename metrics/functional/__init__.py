"""The metrics on plain texts and arrays, without songs, stores or models: the same code as behind the leaderboard."""

from metrics.functional.words import PhonemeErrors, per

__all__ = ["PhonemeErrors", "per"]
