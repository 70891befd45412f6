"""A run as a folder that ``datasets.load_dataset`` opens: songs with their audio, scores, transcripts, a card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from songbench.domain.errors import InputError, StoreWriteError
from songbench.domain.lyrics import render_block
from songbench.execution.results import SongId
from songbench.execution.songs import StoredAudio, encode_audio
from songbench.exporting.card import dataset_card
from songbench.exporting.files import refuse_foreign, save
from songbench.exporting.material import RunExport
from songbench.exporting.tables import require_parquet
from songbench.reporting.songs import song_to_json

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SPLIT = "test"
SHARD_BYTES = 400_000_000
"""Of a file of songs, about: what the hub shows and loads well."""
GROUP_BYTES = 40_000_000
"""Of the songs that are in memory at once."""
README = "README.md"


def export_dataset(export: RunExport, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the data set.

    Args:
        export: what to export.
        folder: made when absent; it has to be empty.
        force: write into it all the same, over what an earlier export left there.

    Returns:
        The files.

    Raises:
        UnavailableError: what writes Parquet is not installed.
        InputError: something lies in the folder; or the run has no song.
        StoreWriteError: a file cannot be written.
        DamageError: the store has lost a song.
    """
    require_parquet()
    if not export.songs:
        raise InputError("There is no song to export.", cure="'songbench status' says how far the run is.")
    content = sorted(path.relative_to(folder).as_posix() for path in folder.iterdir()) if folder.is_dir() else []
    refuse_foreign(folder, content, force=force)
    for path in _parquet_files(folder):
        path.unlink()  # shards of an earlier export that this one need not have
    paths = list(_write_songs(export, folder))
    configurations = {"songs": f"songs/{SPLIT}-*.parquet"}
    for name, frame in (("scores", export.scores), ("transcripts", export.transcripts)):
        if len(frame):
            paths.append(_write_table(frame, folder / name / f"{SPLIT}.parquet"))
            configurations[name] = f"{name}/{SPLIT}.parquet"
    size = sum(path.stat().st_size for path in paths)
    save(folder / README, dataset_card(export, configurations, len(export.songs), size))
    return [folder / README, *paths]


def _parquet_files(folder: Path) -> list[Path]:
    return [path for name in ("songs", "scores", "transcripts") for path in folder.glob(f"{name}/{SPLIT}*.parquet")]


# -- songs ---------------------------------------------------------------------------------------------------------


def _write_songs(export: RunExport, folder: Path) -> Iterator[Path]:
    import pyarrow as pa

    table = pa.Table.from_pandas(_facts(export), preserve_index=False).replace_schema_metadata(None)
    audio = pa.field("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    schema = _with_features(pa.schema([*table.schema, audio]))
    places = {song: number for number, song in enumerate(export.songs)}
    shards = list(_parts(export, list(export.songs), SHARD_BYTES))
    for number, songs in enumerate(shards):
        path = folder / "songs" / f"{SPLIT}-{number:05d}-of-{len(shards):05d}.parquet"
        groups = (
            table.take([places[song] for song in group]).append_column(audio, _audio(export, group, audio.type))
            for group in _parts(export, songs, GROUP_BYTES)
        )
        yield _write_groups(path, schema, groups)


def _parts(export: RunExport, songs: list[SongId], most: int) -> Iterator[list[SongId]]:
    """The songs in parts of about so many bytes, at least one in each."""
    part: list[SongId] = []
    size = 0
    for song in songs:
        bytes_of_song = export.stored_size(song)
        if part and size + bytes_of_song > most:
            yield part
            part, size = [], 0
        part.append(song)
        size += bytes_of_song
    if part:
        yield part


def _audio(export: RunExport, songs: list[SongId], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    rows = []
    for song in songs:
        source = export.songs[song].source
        if isinstance(source, StoredAudio):
            data, suffix = source.store.read_blob(source.blob), source.blob.name.rpartition(".")[2]
        else:
            data, suffix = encode_audio(source.load())
        rows.append({"bytes": data, "path": f"{song.system}.{song.prompt}.take{song.take}.{suffix}"})
    return pa.array(rows, kind)


def _facts(export: RunExport) -> pd.DataFrame:
    """A row per song that was made: facts of the prompt, scores, how it came about."""
    import pandas as pd

    keys = ["system", "prompt", "take"]
    songs = export.song_table.set_index(keys).reindex(pd.MultiIndex.from_tuples(list(export.songs), names=keys))
    columns = ["sanity", "language", "section_plan", "condition", "seconds", "seed", "digest", "remarks"]
    columns += [name for name in songs.columns if name.startswith("tag.")]
    frame = songs[columns].reset_index()
    prompts = [export.prompts[prompt] for prompt in frame["prompt"]]
    frame["lyrics"] = [render_block(prompt.lyrics).strip() for prompt in prompts]
    frame["style"] = [prompt.style for prompt in prompts]
    frame["licence"] = [prompt.licence or export.results.suite.licence for prompt in prompts]
    records = [song_to_json(export.rows[song]).get("record") for song in export.songs]
    frame["generation_record"] = [json.dumps(record, ensure_ascii=False, default=str) for record in records]
    of_songs = export.scores[export.scores["kind"] == "song"]
    if len(of_songs):
        wide = of_songs.pivot(index=keys, columns="column", values="value").reindex(songs.index)
        frame = pd.concat([frame, wide.reset_index(drop=True).astype("float64")], axis=1)
    return frame


# -- files ---------------------------------------------------------------------------------------------------------


def _with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with what the package ``datasets`` wants to know of its columns: which of them is audio."""
    import pyarrow as pa

    def is_text(kind: pa.DataType) -> bool:
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))

    def feature(field: pa.Field) -> dict[str, str]:
        if field.name == "audio":
            return {"_type": "Audio"}
        dtype = {"double": "float64"}.get(str(field.type), str(field.type))
        return {"dtype": "string" if is_text(field.type) else dtype, "_type": "Value"}

    fields = [pa.field(field.name, pa.string()) if is_text(field.type) else field for field in schema]
    info = {"info": {"features": {field.name: feature(field) for field in fields}}}
    return pa.schema(fields, metadata={"huggingface": json.dumps(info)})


def _write_table(frame: pd.DataFrame, path: Path) -> Path:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    return _write_groups(path, _with_features(table.schema), iter([table]))


def _write_groups(path: Path, schema: pa.Schema, groups: Iterator[pa.Table]) -> Path:
    """Write a file whole or not at all, a group of rows at a time."""
    import pyarrow.parquet as pq

    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(beside, schema) as writer:
            for group in groups:
                writer.write_table(group.cast(schema))
        beside.replace(path)
    except OSError as error:
        raise StoreWriteError(f"'{path}' cannot be written: {error.strerror or error}.") from error
    finally:
        beside.unlink(missing_ok=True)
    return path
