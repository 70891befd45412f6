"""How much memory there is: free on the machine, left by the limits of a container, and this process's share of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

GIB = 2**30

_NO_LIMIT = 2**60
"""A limit of version 1 that is not set is a number nobody has memory for."""

_share: int | None = None


def available_bytes() -> int:
    """What processes here can still take before the machine swaps or the limit of a container ends one of them."""
    import psutil

    rooms = [limit - usage for limit, usage in container_limits()]
    return max(0, min([int(psutil.virtual_memory().available), *rooms]))


def share_bytes() -> int | None:
    """What this process may use for its job, its model included; None where nobody has divided the memory.

    On an accelerator it is of the device's memory.
    """
    return _share


def set_share(size: int | None) -> None:
    """Note what this process may use; engines do."""
    global _share
    _share = size


def container_limits(root: Path = Path("/")) -> list[tuple[int, int]]:
    """The memory limits of the control groups this process is in, with what of each is used and cannot be had back.

    Version 2 and version 1 of Linux's control groups. A group's limit holds for all groups within, so those above count
    as well. Pages of files that the kernel would give up first are not counted as used.

    Args:
        root: the file system's; another one in tests.
    """
    limits = []
    for folder, names in _groups(root):
        try:
            limit = int((folder / names[0]).read_text(encoding="ascii"))
            usage = int((folder / names[1]).read_text(encoding="ascii"))
            rows = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
            reclaimable = next(int(row.split()[1]) for row in rows if row.split()[:1] == [names[2]])
        except (OSError, ValueError, StopIteration):  # no such file, or the word "max": no limit
            continue
        if limit < _NO_LIMIT:
            limits.append((limit, max(0, usage - reclaimable)))
    return limits


_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _groups(root: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """The folders of this process's groups and of those above, with the names of limit, use and reclaimable part."""
    try:
        rows = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for row in rows:
        _, _, rest = row.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        group = Path(path.lstrip("/"))
        for part in dict.fromkeys([group, *group.parents]):  # in a container, the path may be that outside of it
            yield mount / part, _V1 if controllers else _V2
