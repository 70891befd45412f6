"""Songs as they are trained on: prepared once into shards of latents, sketch tokens and symbols, read in crops."""
