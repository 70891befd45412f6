"""Checkpoints that tests make, placed where `songbench.resources.weights` finds them."""

from dataclasses import replace

from songbench.domain.hashing import file_digest
from songbench.resources import weights


def setup_weights(declared, files, scratch):
    """The weights as declared, but with these files: a mapping of names to functions that write a path."""
    files_by_path = []
    for file in declared.files:
        if file.name in files:
            path = scratch / f"{declared.name}-{file.name}"
            files[file.name](path)
            files_by_path.append((path, replace(file, sha256=file_digest(path), size=path.stat().st_size)))
    weights_of_files = replace(declared, files=tuple(file for _, file in files_by_path))
    folder = weights.folder_of(weights_of_files)
    folder.mkdir(parents=True)
    for path, file in files_by_path:
        path.rename(folder / file.name)
    return weights_of_files
