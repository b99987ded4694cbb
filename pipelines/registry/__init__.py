"""Where trained artifacts are kept, promoted and read back. Not their training."""
