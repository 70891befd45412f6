"""MuQ-Eval (arXiv 2603.22677): the musical impression of a clip, by a small head on frozen MuQ."""

from __future__ import annotations

from metrics.features.muq import MUQ
from metrics.isolated_ratings import SCRIPTS, IsolatedRatings
from metrics.muq_environment import MUQ_SCORERS
from songbench.plugin import Field, MetricCard, ModelFamily, Procedure
from songbench.resources.checkouts import Checkout
from songbench.resources.weights import HubSource, WeightFile, Weights

MUQ_EVAL = Checkout(
    name="muq-eval",
    summary="The model of MuQ-Eval and its configurations.",
    repository="dgtql/MuQ-Eval",
    commit="60a88f8ac0909ca1fd1a78af3660f1fc376977a1",
    licence="MIT",
    files=("src/model.py", "src/encoders.py", "configs/base.yaml", "configs/A1_frozen_mlp.yaml"),
    about=2_000_000,
)

MUQ_EVAL_A1 = Weights(
    name="muq-eval-a1",
    version="1",
    summary="MuQ-Eval's recommended variant A1: frozen MuQ, attention pooling, two layers.",
    licence="MIT; the MuQ in it: CC BY-NC 4.0",
    files=(WeightFile("model_state_dict.pt", about=1_340_000_000),),
    sources=(HubSource("zhudi2825/MuQ-Eval-A1", "main"),),
    restricted=True,
)

CARD = MetricCard(
    name="muq_eval",
    backend="a1",
    version="1",
    fields=(
        Field(
            "muq_eval",
            direction="higher",
            decimals=2,
            description="Musical impression, learnt from ratings of 1 to 5; a regression, so not held to that range.",
        ),
    ),
    summary="Musical impression as MuQ-Eval predicts it, the mean over windows of 10 s.",
    limits=(
        "Learnt from 2,748 clips of text-to-music systems, most of them without singing; whole songs are rated here"
        " window by window, which its authors do not do. By their own tests it hears damage of the signal but not of"
        " the musical structure. The variant on the hub without 'A1' in its name is another one, with an adapted"
        " encoder."
    ),
    citation="Zhu and Li, MuQ-Eval, arXiv 2603.22677",
    licence=f"MuQ-Eval: MIT; MuQ: {MUQ.licence}",
    needs=(MUQ_SCORERS.name, MUQ_EVAL.name, MUQ_EVAL_A1.name, MUQ.name),
    reference=True,
    tracks=("song", "v2a"),
    hears=("sound",),
    mono=True,
    procedure=Procedure(
        model="OpenMuQ/MuQ-large-msd-iter (package muq 0.1.0) and zhudi2825/MuQ-Eval-A1, head MI",
        revision=f"of the weights {MUQ.name} and {MUQ_EVAL_A1.name}; {MUQ_EVAL.repository} {MUQ_EVAL.commit}",
        layer="last_hidden_state of MuQ",
        rate="24 kHz mono, by torchaudio",
        window="10 s, hop 10 s; the last one ends with the song",
        pooling="attention over the frames of a window; mean over windows",
        formula="the head's output",
    ),
    models=(ModelFamily("muq", part="the encoder that MuQ-Eval hears"),),
    verified=(
        "Not with the released weights, and not with the authors' code as a whole, which could not be had: the worker"
        " was tried with a model of the same interface on the package muq with small random weights, and gives what"
        " that model gives for the same windows. Layer and pooling are as in the source of its model and encoder."
    ),
)


def muq_eval() -> IsolatedRatings:
    """The entry point ``muq_eval@a1``."""
    return IsolatedRatings(
        card=CARD,
        environment=MUQ_SCORERS,
        checkout=MUQ_EVAL,
        weights=(MUQ_EVAL_A1, MUQ),
        worker=SCRIPTS / "muq_eval_worker.py",
    )
