"""What LaDA-Band is told beside the vocal: a text and a recording, each as one vector of CLaMP 3's joint space.

`encoder` makes the vectors, from weights that others need too (``clamp3-saas``, ``xlm-roberta-base``,
``mert-v1-95m``; `files`). A model trained without conditions needs none of them.
"""
