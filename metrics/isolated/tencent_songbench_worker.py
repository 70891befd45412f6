"""Runs in the environment ``muq-scorers``: the program ``eval.py`` of Tencent's SongBench, song after song.

Its class ``Synthesizer`` is used as the program's own command line does, but for one thing: the models stay loaded
between songs. MuQ, which it would fetch, comes from a folder.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

MUQ = "muq-large-msd-iter"
NAMES = {"Instrumental": "Instrument"}
"""What the program calls otherwise than its paper."""


class Worker:
    """Rates files one by one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        upstream = settings["upstream"]
        sys.dont_write_bytecode = True  # nothing is written into the checkout
        sys.path.insert(0, upstream)  # for the class that its configuration names
        runpy.run_path(settings["cpu_imports"])["mend_cpu_imports"]()
        import muq

        load = muq.MuQ.from_pretrained
        muq.MuQ.from_pretrained = lambda *_, **__: load(settings["weights"][MUQ])
        os.chdir(upstream)  # where it looks for its configuration
        spec: Any = importlib.util.spec_from_file_location("tencent_songbench_eval", Path(upstream, "eval.py"))
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        self._answers = tempfile.TemporaryDirectory(prefix="songbench-tencent-")
        self._scorer = program.Synthesizer(
            checkpoint_path_reward_model="ckpt/songbench.safetensors",
            input_path=self._answers.name,
            output_dir=self._answers.name,
            use_cpu=False,
        )
        self._scorer.setup()

    def rate(self, file: str) -> dict[str, Any]:
        """The seven ratings of a song.

        Raises:
            ValueError: the program did not give one set of ratings.
        """
        self._scorer.input_path, self._scorer.result_dict = file, {}
        self._scorer.synthesis()
        ratings = list(self._scorer.result_dict.values())
        if len(ratings) != 1:
            raise ValueError(f"eval.py gave {len(ratings)} sets of ratings for one song")
        return {"values": {NAMES.get(name, name): float(value) for name, value in ratings[0].items()}}
