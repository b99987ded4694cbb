"""The task `gpu` of `benchmarks.training`: the same networks on the processor and on a GPU.

How long an epoch takes on each, how much of the GPU's memory it takes, and whether the networks
come to the same: by their loss, and by how much of the first 100 items of users is the same. Two
fits draw different numbers, so the measure for a GPU beside the processor is the processor beside
itself with another seed. Not the work: that is `training_worker.py`.
"""

import sys
from argparse import Namespace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.training_tasks import LARGE, MULT_VAE, made, ours
from benchmarks.training_worker import in_common
from benchmarks.turns import Figures, in_turns

SMALL = (6_040, 3_416, 1_200_000)
"""Users, items and draws of the size of MovieLens-1M; draws repeat, so there are fewer ones."""
RECVAE = {"form": "recvae"}
EPOCHS = {"mult-vae": 10, "recvae": 5, "large": 3}
"""That count, after one to warm up."""
BATCH_SIZE, STEPS = 500, 6
PROCESSOR: dict[str, dict[str, Any]] = {"cpu": {}, "cpu, another seed": {"seed": 2}}
GPU: dict[str, dict[str, Any]] = {
    "gpu, float32": {"device": "cuda", "precision": "float32"},
    "gpu, bfloat16": {"device": "cuda", "precision": "bfloat16"},
}


def on_gpu(arguments: Namespace, folder: Path) -> Figures:
    """Mult-VAE and RecVAE at the size of ML-1M, and Mult-VAE at that of ML-20M."""
    if not torch.cuda.is_available():
        print("gpu is skipped: torch sees no GPU here.", file=sys.stderr)
        return {"skipped": "torch sees no GPU here"}
    small, _ = made(folder / "small", SMALL, arguments.seed)
    large, x = made(folder / "large", LARGE, arguments.seed)
    both, threads = {**PROCESSOR, **GPU}, arguments.threads
    figures = {
        "gpu": torch.cuda.get_device_name(),
        "mult-vae, ml-1m": _compared(small, MULT_VAE, both, threads, EPOCHS["mult-vae"]),
        "recvae, ml-1m": _compared(small, RECVAE, both, threads, EPOCHS["recvae"]),
        "mult-vae, ml-20m": _compared(large, MULT_VAE, GPU, threads, EPOCHS["large"]),
    }
    command = ours(large, network=MULT_VAE, threads=threads, steps=STEPS)
    some = in_turns({"cpu": command}, "step", turns=1)["cpu"]
    n_steps = -(-x.shape[0] // BATCH_SIZE)
    figures["mult-vae, ml-20m"]["cpu"] = {
        **some,
        "epoch_seconds": some["seconds"] * n_steps / STEPS,
    }
    return figures


def _compared(
    rows: Path, network: dict[str, Any], variants: dict[str, dict[str, Any]], threads: int, n: int
) -> Figures:
    """Seconds of an epoch of each, and which share of the first items any two have in common."""
    files = {name: rows.with_name(f"{num}.npy") for num, name in enumerate(variants)}
    commands = {
        name: ours(rows, network=network, threads=threads, lists=str(files[name]), **options)
        for name, options in variants.items()
    }
    done: Figures = in_turns(commands, "epoch", turns=n, last="ranking")
    lists = {name: np.load(file) for name, file in files.items()}
    shared = {
        f"{one} | {other}": round(in_common(lists[one], lists[other]), 4)
        for one, other in combinations(lists, 2)
    }
    return {**done, "first 100 in common": shared}
