"""Song generators, one folder each. They know songbench; songbench finds them through entry points."""
