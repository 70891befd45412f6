"""What can go wrong when a song is made by rules."""


class RuleBasedError(ValueError):
    """The request cannot be sung as given; the message says why and what to change."""


class MissingPackageError(RuntimeError):
    """A package this system performs with is not installed; the message names the cure."""
