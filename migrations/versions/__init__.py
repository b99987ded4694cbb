"""One file a revision, named `NNNN_what_it_does.py`; the newest number is also in `../HEAD`."""
