"""Finished audio made elsewhere, entered under a name of its own."""
