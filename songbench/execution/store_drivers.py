"""The drivers of stores that are no plain folder: fsspec's, found by the URL."""

from __future__ import annotations

import inspect
import os
from typing import Any

from songbench.execution.store_errors import open_error

_BASES = {"fsspec.spec", "fsspec.asyn"}
"""Where fsspec says how drivers look; what is said there of exclusive creation looks first and writes then."""
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
"""What object stores answer where there is a file already, or another one writes it at the same moment."""


def plain_folder(url: str) -> str | None:
    """The folder that a path names, in fsspec's words but without loading it; None for what only fsspec understands."""
    if os.sep != "/" or ":" in url:
        return None
    if url.startswith("~"):
        path = os.path.expanduser(url)  # noqa: PTH111 - a Path would tidy it up
    elif url.startswith("/"):
        path = url
    else:
        path = f"{os.getcwd()}/{'' if url == '.' else url.removeprefix('./')}"  # noqa: PTH109 - as above
    return path.rstrip("/")


def open_driver(url: str) -> tuple[Any, str]:
    """The driver of a URL, and what it calls the root.

    Raises:
        InputError: when the URL's protocol is not known or its driver is not installed.
    """
    import fsspec

    try:
        driver, root = fsspec.core.url_to_fs(url, **_driver_options(url))
    except Exception as error:  # each driver has kinds of its own
        raise open_error(url, error) from error
    return driver, str(root).rstrip("/")


def is_folder(driver: Any) -> bool:
    """Whether the files of a driver are local ones."""
    return "file" in (driver.protocol if isinstance(driver.protocol, tuple) else (driver.protocol,))


def can_create(driver: Any) -> bool:
    """Whether a driver can create a file only where there is none."""
    methods = [getattr(type(driver), name) for name in ("_pipe_file", "pipe_file") if hasattr(type(driver), name)]
    methods = [method for method in methods if method.__module__ not in _BASES]
    return any("mode" in inspect.signature(method).parameters for method in methods)


def was_there(error: Exception) -> bool:
    """Whether a driver says in its own way that a file exists."""
    causes = [error, error.__cause__]
    codes = [getattr(cause, "response", {}).get("Error", {}).get("Code") for cause in causes if cause is not None]
    return any(str(code) in _EXISTS for code in codes) or str(getattr(error, "code", "")) in _EXISTS


def _driver_options(url: str) -> dict[str, Any]:
    """What the driver of a remote store is told.

    Listings are never remembered: workers elsewhere add to them. S3's driver, which otherwise asks for the size of an
    object before it reads it in several parts at once, reads it with one request: records and songs are small.
    """
    import fsspec

    protocol = fsspec.utils.get_protocol(url)
    if protocol in ("file", "local"):
        return {}
    return {"use_listings_cache": False, **({"max_concurrency": 1} if protocol in ("s3", "s3a") else {})}
