"""Rows of real values that both estimators learn."""

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def ring() -> Any:
    """Points of a ring, bent into six columns: two directions, one of which is curved."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 200)
    flat = np.column_stack([np.cos(angle), np.sin(angle)])
    return flat @ rng.normal(size=(2, 6)) * 10 + 100 + rng.normal(scale=0.1, size=(200, 6))
