"""The side of ours in `benchmarks.training`: a network and its rows, asked for units of work.

python -m benchmarks.training_worker '{"rows": "FILE.npz", "kind": "variational"}'

The units are those of `Work`. Not the comparison, and not what the peers do.
"""

import json
import sys
import time
from itertools import islice
from typing import Any, Literal

import numpy as np
import torch
from scipy import sparse
from torch.profiler import ProfilerActivity, profile

from benchmarks.naive import NaiveMultVae
from benchmarks.turns import Figures, answer_lines
from models.autoencoders.base import Network
from models.catalog import build
from models.devices import DeviceName, device_of
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from models.precision import PRECISIONS, PrecisionName, precision
from pipelines.data.interactions import Csr, batches, to_rows
from pipelines.data.splits import HeldOut
from pipelines.machine import kept_memory
from pipelines.training.evaluate import Array, evaluate, network_scorer, ranked

PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm")
UPDATES = ("aten::_fused_adamw_",)
FIRST_LAYER = ("aten::_embedding_bag", "aten::embedding_bag")
SOFTMAX = ("aten::_softmax", "aten::index_add_", "aten::mul", "aten::index")
COPIES = ("aten::copy_", "aten::zero_", "aten::fill_")
FIRST = 20
RANKED, DEPTH = 2_000, 100
"""Users, and items of each, whose order is compared between devices."""
SIDE = 3_000
"""Of the square matrices whose product is the measure of the machine: the best of some tries."""
TRIES = 5


class Work:
    """What can be asked for. Each unit is timed from outside.

    rows, test: files of sparse matrices. steps: batches of a unit `steps`. memory_gb: what a
    unit `refusal` is told that there is. lists: where a unit `ranking` writes.
    """

    def __init__(
        self,
        rows: str,
        kind: str,
        network: dict[str, Any] | None = None,
        batch_size: int = 500,
        threads: int = 1,
        steps: int = 6,
        test: str | None = None,
        memory_gb: float = 12.0,
        optimiser: Literal["adamw", "sgd"] = "adamw",
        precision: PrecisionName = "auto",
        device: DeviceName = "cpu",
        seed: int = 1,
        lists: str | None = None,
    ) -> None:
        torch.set_num_threads(threads)
        self._x: Csr = sparse.load_npz(rows)
        self._test: Csr | None = sparse.load_npz(test) if test else None
        self._batch_size, self._n_steps = batch_size, steps
        self._memory, self._lists = memory_gb * 1e9, lists
        self._generator = torch.Generator().manual_seed(seed)
        self._device = device_of(device).type
        self._config = config = FitConfig(
            batch_size=batch_size, optimiser=optimiser, precision=precision, device=device
        )
        if kind == "naive":
            self._naive = NaiveMultVae(self._x.shape[1])
            self._adam = torch.optim.Adam(self._naive.parameters())
            return
        self._network: Network = build(
            kind, network or {}, n_items=self._x.shape[1], generator=self._generator
        )
        if self._network.phases():
            self._fitting = Fitting(self._network, config, generator=self._generator)

    def epoch(self) -> Figures:
        """All batches, and what their loss is."""
        with kept_memory():
            loss = self._fitting.run_epoch(self._batches)
        return {"loss": loss.reconstruction}

    def step(self) -> None:
        """Some batches: for what takes too long as a whole."""
        with kept_memory():
            self._fitting.run_epoch(lambda: islice(self._batches(), self._n_steps))

    def naive(self) -> None:
        """The same number of batches of the naive network."""
        for batch in islice(self._batches(), self._n_steps):
            assert not isinstance(batch, torch.Tensor)
            self._adam.zero_grad()
            self._naive.loss(batch.to_dense()).backward()  # type: ignore[no-untyped-call]
            self._adam.step()

    def loading(self) -> None:
        """What an epoch takes to cut and shuffle batches, nothing else."""
        for _ in self._batches():
            pass

    def profile(self) -> Figures:
        """Shares of the processor's time by what it does, over the batches of a `step`."""
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            self.step()
        times = {each.key: each.self_cpu_time_total for each in profiled.key_averages()}
        parts = {
            "products of matrices": PRODUCTS,
            "optimiser": UPDATES,
            "first layer": FIRST_LAYER,
            "softmax": SOFTMAX,
            "copies in other digits or another order": COPIES,
        }
        total = sum(times.values())
        shares = {
            part: sum(t for key, t in times.items() if key.startswith(names)) / total
            for part, names in parts.items()
        }
        return {"shares": {**shares, "all else": 1 - sum(shares.values())}}

    def product(self) -> Figures:
        """Billions of operations a second of a product of large square matrices."""
        found = {}
        for dtype in (torch.float32, torch.bfloat16):
            a, b, out = (torch.ones(SIDE, SIDE, dtype=dtype) for _ in range(3))
            times = []
            for _ in range(TRIES):
                started = time.perf_counter()
                torch.mm(a, b, out=out)
                times.append(time.perf_counter() - started)
            found[str(dtype).removeprefix("torch.")] = 2 * SIDE**3 / min(times) / 1e9
        return {"gflops": found}

    def evaluation(self) -> Figures:
        """Rank all items for all users of the test part, and the metrics, as within a fit."""
        assert self._test is not None
        with kept_memory(), precision(self._config.precision, self._device):
            judged = evaluate(network_scorer(self._network), HeldOut(self._x, self._test))
        return {"found": {name: judged.mean(name) for name in judged.per_user}}

    def agreement(self) -> Figures:
        """Of the first 20 items the share that is there too where products are in bfloat16."""
        lists = []
        for name in PRECISIONS[:2]:
            with precision(name, self._device):
                lists.append(ranked(network_scorer(self._network), self._x, FIRST))
        return {"in_common": in_common(*lists)}

    def ranking(self) -> Figures:
        """Write the first 100 items of some users, in float32 on the processor. How much of the
        same is first on the device of the training, in float32 and in the digits of training; and
        the most memory of a GPU that was in use. Nothing can be trained after it.
        """
        assert self._lists is not None
        there = [self._first(name, self._device) for name in ("float32", self._config.precision)]
        self._fitting.leave_device()
        np.save(self._lists, self._first("float32", "cpu"))
        peak = torch.cuda.max_memory_allocated() >> 20 if self._device == "cuda" else None
        return {
            "on_processor_too": in_common(np.load(self._lists), there[0]),
            "in_digits_too": in_common(*there),
            "peak_gpu_mb": peak,
        }

    def solve(self) -> None:
        """A closed form."""
        self._network.solve(to_rows(self._x))

    def refusal(self) -> Figures:
        """What a kind says of the memory that there is."""
        try:
            self._network.prepare(to_rows(self._x), memory_bytes=int(self._memory))
        except ConfigError as error:
            return {"refused": error.detail}
        return {"refused": None}

    def _first(self, name: PrecisionName, device: str) -> Array:
        with precision(name, device):
            return ranked(network_scorer(self._network), self._x[:RANKED], DEPTH)

    def _batches(self) -> Any:
        rows: Any = batches(self._x, self._batch_size, self._generator)
        return rows


def in_common(lists: Array, others: Array) -> float:
    """The share of each user's list that is in the other one too, on the average."""
    pairs = zip(lists, others, strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) for pair in pairs]) / lists.shape[1])


def main() -> None:
    work = Work(**json.loads(sys.argv[1]))
    names = [name for name in vars(Work) if not name.startswith("_")]
    facts = {"versions": {"torch": torch.__version__}}
    answer_lines({name: getattr(work, name) for name in names}, facts)


if __name__ == "__main__":
    main()
