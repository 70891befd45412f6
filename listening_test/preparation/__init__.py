"""From a finished run to the folder of a prepared listening test.

    material ──select──▶ items ──assignment──▶ seats ──trials, clips──▶ audio ──build──▶ test.json, key.json,
                                                                                         preparation.*

- `material`: the songs, prompts and references of a run, wherever they lie.
- `selection`: which of them take part, which practise, which failed.
- `design`, `assignment`, `ordering`, `coverage`: who hears what in which order, and the proof that it is balanced.
- `trials`, `session`: anchors, traps and repetitions among a seat's pages.
- `planning`: how many pages fit into a session, and what the test will be able to tell apart.
- `clips`, `excerpts`, `anchors`, `checks`, `sound`, `rendering`: how each stimulus sounds.
- `audio_files`: one loudness and one size per second for all, and nothing that says which song is which.
- `build`, `writing`: all of it together, in its two halves.
- `folder`, `report`: where it goes, and what the experimenter reads.
"""
