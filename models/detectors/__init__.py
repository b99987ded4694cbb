"""Detectors of strange rows in tables: preparation, members, how they join, what is kept.

`detector.py` is the one to call; `images.py` for pictures and `windows.py` for stretches of series
are made of its parts. `models/scoring/calibration.py` says what scores mean.
"""
