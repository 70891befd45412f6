"""The server of a listening test: what raters answer goes into a database, one committed transaction per page.

- `tokens`: who may come in: signed invitations, session tokens, completion codes.
- `database`: what is kept, on SQLite or PostgreSQL.
- `seats`: which assignment a new rater follows.
- `sessions`: the rules of a session; no web in it.
- `overview`: how far the raters are, and the answers as sheets.
- `guard`: which requests come through at all, and the headers of every reply.
- `app`: the rater's page and the audio. `admin`: the experimenter's page.
- `serving`: address, server, shutdown.
"""
