"""AnyAccomp: an accompaniment for any melody, by flow matching from the notes of its chromagram."""
