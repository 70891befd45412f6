"""Whether the optional packages that reference backends run on are installed."""

from __future__ import annotations

import importlib.util

from songbench.plugin import READY, Availability, unavailable


def installed(package: str, extra: str) -> Availability:
    """Ready when a package can be found; it is not imported.

    Args:
        package: its name in an import statement.
        extra: of songbench, which brings it.
    """
    if importlib.util.find_spec(package):
        return READY
    return unavailable(f"the package '{package}' is not installed", f"pip install 'songbench[{extra}]'")


def installed_alone(package: str) -> Availability:
    """The same for a package that is installed by itself, as its metadata ask for what it does not need here."""
    if importlib.util.find_spec(package):
        return READY
    return unavailable(f"the package '{package}' is not installed", f"pip install --no-deps {package}")
