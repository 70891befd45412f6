"""HeartMuLa 3B, by its authors' own program."""
