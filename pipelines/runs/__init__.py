"""Training runs: asked for, carried out in steps that survive a crash, scheduled."""
