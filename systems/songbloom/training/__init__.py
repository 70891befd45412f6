"""Training SongBloom. So far: the objective, checked against upstream's losses and gradients."""
