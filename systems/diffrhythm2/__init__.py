"""DiffRhythm 2, block flow matching over 5 Hz latents: an adapter for its own program."""
