"""Blind listening tests over the songs of a run: design, collection of ratings, analysis.

    protocol ──create──▶ prepared test ──serve──▶ answers ──┐
       (YAML)            (folder)     └─bundle──▶ answers ──┼─▶ collected ──report──▶ tables, figures,
                                      └─simulate▶ answers ──┘                         leaderboard columns

- `protocol`: the question: form, scales, excerpts, screening rules; declared before data, hashed.
- `prepared`: the folder that `create` makes. Its public half is all that raters can ever be sent; its key, which says
  what is what, is opened by `report` alone.
- `preparation`: from a run to that folder: excerpts, loudness, anchors, traps, assignment, power.
- `pages`, `answers`: what a rater's browser is sent and what it may send back; the same for server and bundle.
- `answer_sheets`: everything one rater answered, as it is kept and as it comes back.
- `collection`: the server: database, sessions, Gradio application, administration.
- `front_end`: what runs in the browser, and the texts it shows.
- `bundle`: the test as a folder that needs no server.
- `collected`: answers and key joined into tidy frames.
- `analysis`: screening, means, preferences, reliability, power, on `songbench.statistics`.
- `simulation`: simulated raters.
- `reporting`: tables, figures, exports and leaderboard columns made from the analysis.
- `importers`: other tools' result files as collected ratings.
"""
