"""The server of a listening test: what raters answer is in a database before they see the next page.

- `tokens`: who may come in: signed invitations, session tokens, completion codes.
- `database`: what is kept, on SQLite or PostgreSQL.
- `seats`: which assignment a new rater follows.
- `sessions`: the rules of a session; no web in it. `standings`: where raters are. `keeping`: one answer.
- `answer_queue`: answers that come while others are being written are written together.
- `overview`: how far the raters are, and the answers as sheets.
- `guard`: which requests come through at all, and the headers of every reply.
- `app`: the rater's page and the audio. `admin`: the experimenter's page.
- `serving`: address, server, shutdown.
"""
