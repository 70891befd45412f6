"""The command line: parse, call, print."""

from importlib import import_module

from songbench.cli.app import app, main

__all__ = ["app", "main"]

# Each registers its commands; ``--help`` lists them in this order, that of a user's way through them.
for module in (
    "stages",
    "reports",
    "comparing",
    "view",
    "exporting",
    "runs",
    "housekeeping",
    "validation",
    "listings",
    "suites",
    "preparation",
):
    import_module(f"songbench.cli.{module}")
