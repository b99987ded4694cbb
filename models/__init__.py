"""Arithmetic: autoencoders, their training loop and their scores. Tensors in, tensors out.

No SQL, no HTTP, no environment, no files.
"""
