"""FastSAG: the accompaniment of ten seconds of a vocal, by diffusion without autoregression."""
