"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv 2106.09685) for both transformers of SongBloom.

A matrix W of the model is used as ``W + (alpha / rank) · B A`` with A of shape (rank, in) and B of shape (out, rank);
only A and B are trained.

Why this is written here and not taken from the ``peft`` library: an adapter of the layout that SongBloom's forks train
and share belongs to one projection (``q_proj``), and here several projections are rows of one matrix (``qkv``,
``gate_up``), so that it acts on a slice. ``peft`` wraps whole linear modules: on a fused matrix it would train one A
for queries, keys and values together, which is another model with other numbers. It names modules and files otherwise,
and it would add ``accelerate`` and ``transformers`` to what the model needs. What remains to be written is a page.

Parts: `config` (what to adapt), `targets` (which slices a name means), `adapters` (the modules and what is done with
them), `stored` (merging while weights are read), `files` (a file of adapters), `lightning` (files that the public fork
reads).
"""
