"""Numbered changes of the SQL tables; run by `pipelines/schema.py`, which locks and commits."""
