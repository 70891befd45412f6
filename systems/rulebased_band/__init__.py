"""`rulebased_band`: a band that finds beat, key and chords of a vocal by rules and plays to it."""
