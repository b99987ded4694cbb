"""RecBole's own trainer and evaluation, timed one unit of work at a time. Not a comparison.

It runs in the environment that `make peers` creates, so it imports nothing of ours. It prints a
JSON line when the data are loaded, then one for each line it reads, with the seconds that an
`epoch` or an `evaluation` took, and one with its peak memory at the end of the input:

.venv-peers/bin/python benchmarks/peer_recbole.py '{"folder": "FOLDER", "model": "MultiVAE"}'

FOLDER holds `data.train.inter`, `data.valid.inter` and `data.test.inter`. RecBole 1.2.1 imports
ray for its search of options and uses names that NumPy 2 dropped: both are stood in for here.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np

STANDINS = ("ray", "ray.tune")
DROPPED = {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}


def stand_in() -> None:
    """Let RecBole be imported without ray and with NumPy 2."""
    for name in STANDINS:
        sys.modules[name] = ModuleType(name)
    sys.modules["ray"].tune = sys.modules["ray.tune"]
    for name, kind in DROPPED.items():
        if not hasattr(np, name):
            setattr(np, name, kind)


class Peer:
    """A model, its trainer and its data."""

    def __init__(self, folder, model, threads=1, options=None):
        stand_in()
        import torch
        from recbole.config import Config
        from recbole.data import create_dataset, data_preparation
        from recbole.utils import get_model, get_trainer, init_seed

        torch.set_num_threads(threads)
        place = Path(folder).resolve()
        os.chdir(place)  # it leaves logs where it runs
        values = {
            "data_path": str(place.parent),
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "eval_args": {"order": "RO", "group_by": "user", "mode": "full"},
            "metrics": ["Recall", "NDCG"],
            "topk": [20, 50, 100],
            "valid_metric": "NDCG@100",
            "train_neg_sample_args": None,
            "use_gpu": False,
            "show_progress": False,
            "state": "ERROR",
            "checkpoint_dir": str(place),
            **(options or {}),
        }
        arguments, sys.argv = sys.argv, sys.argv[:1]  # RecBole reads the command line too
        config = Config(model=model, dataset=place.name, config_dict=values)
        sys.argv = arguments
        init_seed(config["seed"], config["reproducibility"])
        self.train, _, self.test = data_preparation(config, create_dataset(config))
        network = get_model(config["model"])(config, self.train.dataset)
        self.trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, network)
        self.epochs = 0

    def epoch(self):
        """One more epoch of training."""
        self.trainer._train_epoch(self.train, self.epochs, show_progress=False)
        self.epochs += 1

    def evaluation(self):
        """Rank all items for all users of the test part, and the metrics."""
        return dict(self.trainer.evaluate(self.test, load_best_model=False, show_progress=False))


def versions():
    import pandas
    import recbole
    import torch

    return {
        "recbole": recbole.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pandas": pandas.__version__,
    }


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what RecBole prints is no answer
    peer = Peer(**json.loads(sys.argv[1]))
    print(json.dumps({"versions": versions()}), file=answers, flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        found = getattr(peer, line.strip())()
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "found": found}), file=answers, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"peak_rss_mb": peak // 1024}), file=answers, flush=True)


if __name__ == "__main__":
    main()
