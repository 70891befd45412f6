"""The adapters that are tried against stand-ins, and what each needs of its surroundings.

For each: the variants that are tried, the contract data it was written after, the files its checkout has beside the
program, and faults that cannot happen to it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """An adapter and its stand-in.

    Attributes:
        specs: how its variants are named on the command line; the first one is run through all faults.
        contract: name of the contract data in ``facts/systems``.
        files: of the checkout, beside the program.
        program: the file that is run, where the contract names more than that.
        language: in which it is asked to sing.
        spoken: its lyrics are words as they are said, figures written out, without accents.
    """

    specs: tuple[str, ...]
    contract: str
    files: tuple[str, ...] = ()
    program: str = ""
    language: str = "en"
    spoken: bool = False


ADAPTERS = {
    "diffrhythm": Adapter(
        specs=("diffrhythm", "diffrhythm:full", "diffrhythm:base-audio", "diffrhythm:full-audio"),
        contract="diffrhythm",
        files=("infer/example/vocal.npy",),
    ),
    "diffrhythm2": Adapter(specs=("diffrhythm2", "diffrhythm2:audio"), contract="diffrhythm2"),
    "heartmula": Adapter(specs=("heartmula", "heartmula:rl"), contract="heartmula"),
    "levo": Adapter(
        specs=("levo", "levo:large", "levo:audio", "levo:base-new-audio"), contract="levo", program="generate.py"
    ),
    "songbloom_upstream": Adapter(
        specs=("songbloom_upstream", "songbloom_upstream:full_150s_dpo"),
        contract="songbloom_upstream",
    ),
    "jam": Adapter(specs=("jam", "jam:audio"), contract="jam", spoken=True),
    "yue": Adapter(
        specs=("yue", "yue:icl"),
        contract="yue",
        files=("inference/mm_tokenizer_v0.2_hf/tokenizer.model",),
    ),
    "yue2": Adapter(specs=("yue2", "yue2:off"), contract="yue2", program="src/yue2/cli.py"),
}
SPECS = [(name, spec) for name, adapter in ADAPTERS.items() for spec in adapter.specs]

PYTHON_SPECS = ("acestep", "acestep15", "acestep15:sft-no-lm-audio", "minimax_music", "songgen")
"""Adapters of systems without a command line, which are called from Python."""
