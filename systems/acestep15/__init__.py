"""ACE-Step 1.5, by its authors' own code."""
