"""Answers: what to recommend, what a row should look like, where it lies, whether it is strange.

A function here takes a reading session, the predictor of the active artifact (None when there is
none yet) and what was asked; it returns values, never tables or tensors.
"""
