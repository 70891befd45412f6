"""Sketch tokens of songs: features of audio at the rate of the latents, and the nearest row of a codebook."""
