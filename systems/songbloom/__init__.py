"""SongBloom: lyrics and a 10 s style prompt to a full song, by interleaved sketching and diffusion.

An implementation of its own of the model of Yang et al., "SongBloom: Coherent Song Generation via Interleaved
Autoregressive Sketching and Diffusion Refinement", arXiv 2506.07634. It loads the released checkpoints and gives
their numbers.

Read it in this order: `config`, `text` (lyrics to symbols), `conditioning`, `sketch_lm`, `acoustic_dit` with `solver`,
`acoustic_encoder`, `autoencoder`, `model` (the parts together), `decoding` (many songs at once), `audio_stream`,
`generation` (from lyrics to audio), `checkpoint`, `system` (songbench's contract).
"""
