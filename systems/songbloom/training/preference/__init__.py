"""Training by preference: of two songs for one prompt, the better one is to become likelier.

How the released ``full_150s_dpo`` was made is not published: neither its pairs nor its loss. What is here follows the
papers that are named in `losses`, and is not a reproduction of that release.

`objective` says how the loss is put together and `losses` computes it; `selection` chooses pairs among the songs of a
run and `pair_files` keeps them.
"""
