"""YuE2, a symbolic plan before the song: an adapter for its own command line."""
