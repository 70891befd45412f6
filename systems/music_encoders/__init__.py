"""Published encoders of music that several systems hear through, MuQ and MERT; no code of a checkpoint is run."""
