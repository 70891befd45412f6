"""What runs in a rater's browser, and the texts it shows. Imports nothing of the rest of `listening_test`.

`assets` are classic scripts without dependencies or a build step: the same ones run inside the server's page and from a
file that is opened by a double click (`listening_test.bundle`). `wording` holds every text they show, in each language.
"""
