"""What runs in a rater's browser, the texts it shows, and the folder that needs no server.

`assets` are classic scripts without dependencies or a build step: the same ones run inside the server's page and from a
file that is opened by a double click. `wording` holds every text they show, in each language. `bundle` makes the folder
and checks the answers that come back from it.
"""
