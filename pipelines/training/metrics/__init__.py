"""Relevance of a ranking, one metric a file.

Each reads `hits` (n_users, n_ranked) bool, best rank first, and `n_held_out` (n_users,), and gives
one number a user; NaN where nothing was held out, which a mean leaves out.
"""
