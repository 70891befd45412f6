"""What a store says when it cannot be opened, read or written, and what to do about it."""

from __future__ import annotations

from songbench.domain.errors import DISK_FULL, InputError, StoreReadError, StoreWriteError, one_line

_SAFE = "What was stored before is safe"
_KEYS = "give keys that may read and write there (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
_ADDRESS = "mend the address of the service (AWS_ENDPOINT_URL) or the connection"
_CURES = {
    "NoCredentialsError": _KEYS,
    "PartialCredentialsError": _KEYS,
    "EndpointConnectionError": _ADDRESS,
    "ConnectTimeoutError": _ADDRESS,
    "ReadTimeoutError": _ADDRESS,
}
"""By the class of botocore's error: they say what is wrong, not what to do."""


def open_error(url: str, error: Exception) -> InputError:
    """The driver of a store is not known, or not installed."""
    missing = isinstance(error, ImportError) and url.startswith(("s3:", "s3a:"))
    cure = "pip install 'songbench[s3]'" if missing else None
    return InputError(f"The store '{url}' cannot be opened: {one_line(str(error))}", field="store", cure=cure)


def read_error(url: str, place: str, error: Exception) -> StoreReadError:
    """A store cannot be read.

    Args:
        url: of the store.
        place: what was to be read, below the root.
        error: the driver's.
    """
    cure = _cure(url, error) or "mend the address, the permissions or the connection"
    return StoreReadError(
        f"Cannot read '{place}' in the store '{url}': {_text(error)}. {_SAFE}: {cure} and run the same command again."
    )


def write_error(url: str, error: Exception) -> StoreWriteError:
    """A store cannot be written.

    Args:
        url: of the store.
        error: the driver's, or the operating system's.
    """
    number, message = (error.errno, error.strerror) if isinstance(error, OSError) else (None, None)
    reason = "the disk is full" if number in DISK_FULL else (message or _text(error))
    cure = _cure(url, error) or "free some space or mend the permissions"
    return StoreWriteError(f"Cannot write to '{url}': {reason}. {_SAFE}: {cure} and run the same command again.")


def _cure(url: str, error: Exception) -> str:
    """What to do about an error of an object store; nothing where it says too little."""
    if not url.startswith(("s3:", "s3a:")):
        return ""
    if "Invalid endpoint" in str(error):
        return "write the service's address (AWS_ENDPOINT_URL) with http:// or https://"
    if "bucket does not exist" in str(error):
        return "make the bucket, or mend its name"
    return _KEYS if isinstance(error, PermissionError) else _CURES.get(type(error).__name__, "")


def _text(error: Exception) -> str:
    return one_line(str(error)) or type(error).__name__
