"""Blind listening tests over the songs of a run: design, collection of ratings, analysis.

    protocol ──create──▶ prepared test ──serve──▶ answers ──┐
       (YAML)            (folder)     └─bundle──▶ answers ──┼─▶ collected ──report──▶ tables, figures,
                                      └─simulate▶ answers ──┘                         leaderboard columns

- `protocol`: the question: form, scales, excerpts, screening rules; declared before data, hashed.
- `prepared`: the folder that `create` makes. Its public half is all that raters can ever be sent; its key, which says
  what is what, is opened by `report` alone.
- `preparation`: from a run to that folder: excerpts, loudness, anchors, traps, assignment, power.
- `pages`, `answers`: what a rater's browser is sent and what it may send back; the same for server and bundle.
- `collection`: the server: database, sessions, Gradio application, administration.
- `front_end`: what runs in the browser, and the bundle that needs no server.
- `collected`: answers and key joined into tidy frames.
- `analysis`: screening, means, preferences, reliability, tests, power, simulated raters.
- `reporting`: tables, figures, exports and leaderboard columns made from the analysis.
- `importers`: other tools' result files as collected ratings.
"""
