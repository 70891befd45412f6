"""Eleven Music, a hosted song generator, through its documented HTTP API."""
