"""LaDA-Band: a vocal in, its accompaniment out, by masked discrete diffusion over codec tokens (arXiv 2604.11052)."""
