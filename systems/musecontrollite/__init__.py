"""MuseControlLite: adapters that make Stable Audio Open follow a melody, a rhythm and a loudness curve."""
