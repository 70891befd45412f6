"""Training SongBloom.

What is minimised is in `objective`, `draws`, `conditions` and `losses`; what of a model learns in `trained`.
"""
