"""Checkpoints that tests make, placed where `songbench.resources.weights` finds them."""

from dataclasses import replace

from songbench.domain.hashing import file_digest
from songbench.resources import weights


def placed(declared, files, scratch):
    """The weights as declared, but with these files: a mapping of names to functions that write a path."""
    made = []
    for file in declared.files:
        if file.name in files:
            path = scratch / f"{declared.name}-{file.name}"
            files[file.name](path)
            made.append((path, replace(file, sha256=file_digest(path), size=path.stat().st_size)))
    found = replace(declared, files=tuple(file for _, file in made))
    folder = weights.folder_of(found)
    folder.mkdir(parents=True)
    for path, file in made:
        path.rename(folder / file.name)
    return found
