"""Muse, a small language model over MuCodec tokens: an adapter for its own program and for MuCodec's own decoder."""
