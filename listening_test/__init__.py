"""Blind listening tests: design, collection of ratings, analysis. Nothing is implemented yet."""
