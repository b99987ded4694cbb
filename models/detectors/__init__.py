"""Detectors of strange rows in tables: preparation, members, how they join, what is kept.

`detector.py` is the one to call; `models/scoring/calibration.py` says what its scores mean.
"""
