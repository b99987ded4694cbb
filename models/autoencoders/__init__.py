"""The autoencoders, one file a kind; `models/catalog.py` lists them."""
