"""From a finished run to the folder of a prepared listening test.

    material ──select──▶ items ──assignment──▶ seats ──clips──▶ audio ──build──▶ test.json, key.json, preparation.*

- `material`: the songs, prompts and references of a run, wherever they lie.
- `selection`: which of them take part, which practise, which failed.
- `assignment`, `williams`, `equitable`, `sides`, `subsets`, `coverage`: who hears what, and the proof that it is
  balanced.
- `session`: anchors, traps and repetitions among a seat's pages.
- `clips`, `excerpts`, `anchors`, `traps`, `speech`, `checks`, `sound`, `levels`: how each stimulus sounds.
- `build`: all of it together.
- `report`, `power`: what the experimenter is told.
"""
