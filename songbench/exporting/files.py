"""Writing exported files: nothing that somebody else put there, or changed, is overwritten unless that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from songbench.domain.errors import InputError, StoreWriteError
from songbench.domain.hashing import bytes_digest
from songbench.execution.checksums import is_content
from songbench.resources.files import write_atomically

LIST = "export.json"
"""The files of an export with their digests, so that a later one knows its own."""
_NAMED = 4


def listed_digests(folder: Path, schema: str) -> dict[str, str]:
    """What the list of an earlier export says of its files; empty where there is none.

    Raises:
        InputError: the list is not one of this kind of export.
    """
    path = folder / LIST
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["schema"] == schema:
            return {str(name): str(digest) for name, digest in value["files"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    raise InputError("This is no list of such an export.", file=str(path), cure="Export to a folder of its own.")


def save_list(folder: Path, schema: str, digests: Mapping[str, str]) -> None:
    """Write the list of an export's files."""
    text = json.dumps({"schema": schema, "files": dict(sorted(digests.items()))}, indent=1, ensure_ascii=False) + "\n"
    save(folder / LIST, text.encode())


def refuse_foreign(folder: Path, names: Iterable[str], *, force: bool) -> None:
    """Stop before files are overwritten that are not those of an earlier export.

    Args:
        folder: of the export.
        names: such files.
        force: overwrite them all the same.

    Raises:
        InputError: naming the first of them.
    """
    foreign = list(names)
    if foreign and not force:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise InputError(
            f"{folder} holds files that this export would overwrite: {', '.join(foreign[:_NAMED])}{more}.",
            cure="Name another folder, or overwrite them with --force.",
        )


def save(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreWriteError: it cannot be written.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        raise StoreWriteError(f"'{path}' cannot be written: {error.strerror}.") from error


def save_all(folder: Path, contents: Mapping[str, bytes], schema: str, *, force: bool) -> list[Path]:
    """Write some files and their list beside them.

    Args:
        folder: made when absent.
        contents: what stands in each file, by its path below the folder.
        schema: of the list.
        force: overwrite what is no earlier export.

    Raises:
        InputError: a file is there that is no earlier export's, or was changed since.
        StoreWriteError: a file cannot be written.
    """
    earlier = {} if force else listed_digests(folder, schema)
    refuse_foreign(folder, _foreign(folder, contents, earlier), force=force)
    for name, data in contents.items():
        save(folder / name, data)
    save_list(folder, schema, earlier | {name: bytes_digest(data) for name, data in contents.items()})
    return [folder / name for name in contents]


def _foreign(folder: Path, contents: Mapping[str, bytes], earlier: Mapping[str, str]) -> Iterable[str]:
    for name, data in contents.items():
        path = folder / name
        if path.exists() and not is_content(path, bytes_digest(data)) and not is_content(path, earlier.get(name, "")):
            yield name
