"""TensorBoard: a folder of event files for each system, which TensorBoard shows as a run each."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from songbench.contracts.cards import Availability
from songbench.domain.audio import Audio
from songbench.domain.checking import Schema
from songbench.domain.errors import InputError
from songbench.exporting.sinks import SinkReport, SystemReport, package_availability
from songbench.reporting.document.blocks import Block, Table, TableColumn, TableRow
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.file_names import readable_names


class TensorboardSettings(Schema):
    """There is nothing to be said with ``--set``."""


class TensorboardSink:
    """A `Sink`."""

    settings_model = TensorboardSettings

    def availability(self) -> Availability:
        """See `Sink.availability`."""
        return package_availability("tensorboard", "pip install tensorboard")

    def check(self, settings: TensorboardSettings, folder: Path | None) -> None:
        """See `Sink.check`."""
        if folder is None:
            raise InputError("Name the folder of the event files: --to tensorboard --out FOLDER.", field="out")

    def send(self, report: SinkReport, settings: TensorboardSettings, folder: Path | None) -> Sequence[str]:
        """See `Sink.send`. Event files of an earlier export of the run are replaced."""
        assert folder is not None
        run = folder / readable_names([report.run])[report.run]
        names = readable_names(system.card.name for system in report.systems)
        for system in report.systems:
            _write(system, run / names[system.card.name])
        return [f"{run} (tensorboard --logdir {folder})"]


def _write(system: SystemReport, folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    earlier = list(folder.glob("events.out.tfevents.*"))
    writer = EventFileWriter(str(folder))
    try:
        for step, value in _values(system, Summary):
            writer.add_event(Event(step=step, wall_time=time.time(), summary=Summary(value=[value])))
    finally:
        writer.close()
    for path in earlier:
        path.unlink()  # else TensorBoard would show both as one


def _values(system: SystemReport, summary: Any) -> Iterator[tuple[int, Any]]:
    """Every value with its step: of figures 0, of songs their number in the suite."""
    for figure in system.figures:
        for name, number in figure.numbers.items():
            yield 0, summary.Value(tag=name, simple_value=number)
    yield 0, _text(summary, "config", _facts({name: str(value) for name, value in system.config.items()}))
    songs = {key: number for number, key in enumerate(zip(system.songs["prompt"], system.songs["take"], strict=True))}
    names = {str(number): f"{prompt} take {take}" for (prompt, take), number in songs.items()}
    yield 0, _text(summary, "songs", _facts(names))
    of_songs = system.scores[(system.scores["kind"] == "song") & system.scores["value"].notna()]
    for row in of_songs.itertuples():
        yield songs[row.prompt, row.take], summary.Value(tag=f"songs/{row.column}", simple_value=row.value)
    for song, source in system.examples.items():
        audio = source.load()
        encoded = summary.Audio(
            sample_rate=float(audio.rate),
            num_channels=audio.samples.shape[0],
            length_frames=audio.samples.shape[1],
            encoded_audio_string=_wav(audio),
            content_type="audio/wav",
        )
        yield songs[song.prompt, song.take], summary.Value(tag=f"examples/{song.prompt}", audio=encoded)


def _text(summary: Any, tag: str, text: str) -> Any:
    """A text, which TensorBoard shows as Markdown."""
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()], tensor_shape=shape)
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return summary.Value(tag=tag, metadata=plugin, tensor=tensor)


def _facts(facts: dict[str, str]) -> str:
    rows = tuple(TableRow((name, value)) for name, value in facts.items())
    columns = (TableColumn(name="name"), TableColumn(name="value"))
    blocks: list[Block] = [Table(columns=columns, rows=rows)]
    return to_markdown(blocks)


def _wav(audio: Audio) -> bytes:
    import numpy as np
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio.samples.T, -1, 1), audio.rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
