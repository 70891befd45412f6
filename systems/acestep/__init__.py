"""ACE-Step v1 3.5B, by its authors' own code."""
