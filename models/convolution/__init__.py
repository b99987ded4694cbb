"""The operator of convolutional networks, in arithmetic that one can follow by hand.

Not the networks: those use torch's own layers, with which this agrees.
"""
