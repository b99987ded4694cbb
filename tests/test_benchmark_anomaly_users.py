"""What the benchmark of strange users makes strange, and what it leaves as it was."""

import numpy as np
import pytest

from benchmarks.anomaly_users import STRANGE
from tests.worlds import two_tastes


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_histories_are_as_long_as_usual_ones(kind: str) -> None:
    x = two_tastes(40).x
    strange = STRANGE[kind](x, np.random.default_rng(0))
    assert strange.shape == (20, x.shape[1])
    assert np.diff(strange.indptr).tolist() == [8] * 20
    for start, end in zip(strange.indptr, strange.indptr[1:], strict=False):
        assert len(set(strange.indices[start:end].tolist())) == 8


def test_swapped_histories_keep_how_common_the_items_are() -> None:
    x = two_tastes(40).x
    chosen = np.random.default_rng(0).permutation(40)[:20]
    swapped = STRANGE["swapped"](x, np.random.default_rng(0))
    assert swapped.sum(axis=0).tolist() == x[chosen].sum(axis=0).tolist()
    odd = np.bincount(swapped.indices % 2, minlength=2)
    tastes = [set((swapped[[num]].indices % 2).tolist()) for num in range(20)]
    assert min(odd) > 0
    assert sum(len(taste) == 2 for taste in tastes) > 15
