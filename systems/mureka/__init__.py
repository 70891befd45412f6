"""Mureka, a hosted song generator, through its documented HTTP API."""
