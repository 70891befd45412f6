"""A run for other programs: songs as files, tables, a data set, and what services for experiments are told."""
