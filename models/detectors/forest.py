"""An isolation forest as the arrays of its nodes, scored here. Grown by scikit-learn only.

A strange row is parted from the others by few random cuts (Liu, Ting & Zhou 2008). Its score says
nothing of single features.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.ensemble import IsolationForest
from torch import Tensor

EULER = 0.5772156649015329
CHUNK = 2048
"""Rows that go down all trees together."""


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees in one row of arrays, (n_nodes,) each; `roots` (n_trees,) start them.

    children (n_nodes, 2): the left and the right one, a leaf its own. feature, threshold: a row
    goes left where its feature is at most that. path: how long the path to a leaf counts, with
    what is left unparted in it.
    """

    roots: Tensor
    children: Tensor
    feature: Tensor
    threshold: Tensor
    samples: Tensor
    path: Tensor
    depth: int
    n_drawn: int

    @staticmethod
    def fit(x: Tensor, *, n_trees: int, generator: torch.Generator) -> "Forest":
        """Grow n_trees, each on at most 256 of the rows x (n_rows, n_features)."""
        seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
        grown = IsolationForest(n_estimators=n_trees, random_state=seed).fit(x.float().numpy())
        return from_scikit_learn(grown)

    def score(self, x: Tensor) -> Tensor:
        """2 ^ (-mean path / path expected of that many rows): (n_rows,) in (0, 1], float64."""
        scores = [self._paths(chunk) for chunk in torch.split(x.float(), CHUNK)]
        mean_path = torch.cat(scores) / len(self.roots)
        expected = float(average_path(np.array([self.n_drawn]))[0]) or 1.0
        return torch.exp2(-mean_path / expected)

    def _paths(self, x: Tensor) -> Tensor:
        """Sum over the trees of the path of each row, (n_rows,)."""
        node = self.roots[:, None].expand(-1, len(x))  # (n_trees, n_rows)
        rows = torch.arange(len(x))
        for _ in range(self.depth):
            goes_right = x[rows, self.feature[node]] > self.threshold[node]
            node = self.children[node, goes_right.long()]
        return self.path[node].sum(dim=0)


def from_scikit_learn(forest: IsolationForest) -> Forest:
    """The nodes of a fitted forest. Scores are its `-score_samples`."""
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("children", "feature", "threshold", "samples", "path")
    }
    roots, start, depth = [], 0, 0
    for estimator, features in zip(forest.estimators_, forest.estimators_features_, strict=True):
        tree = estimator.tree_
        own = np.arange(tree.node_count)
        leaf = tree.children_left == -1
        children = np.column_stack([tree.children_left, tree.children_right])
        parts["children"].append(np.where(leaf[:, None], own[:, None], children) + start)
        parts["feature"].append(features[np.where(leaf, 0, tree.feature)])
        parts["threshold"].append(tree.threshold)
        parts["samples"].append(tree.n_node_samples)
        parts["path"].append(_depths(children, leaf) + average_path(tree.n_node_samples))
        roots.append(start)
        start += tree.node_count
        depth = max(depth, tree.max_depth)
    arrays = {name: torch.from_numpy(np.concatenate(part)) for name, part in parts.items()}
    return Forest(torch.tensor(roots), depth=depth, n_drawn=int(forest.max_samples_), **arrays)


def average_path(n: np.ndarray) -> np.ndarray:
    """The mean path of an unsuccessful search in a tree of n rows: equation 1 of the paper."""
    safe = np.maximum(n, 3).astype(np.float64)
    long = 2.0 * (np.log(safe - 1.0) + EULER) - 2.0 * (safe - 1.0) / safe
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, long))


def _depths(children: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """How many cuts lead to each node; parents stand before their children."""
    depths = np.zeros(len(leaf))
    for node in np.flatnonzero(~leaf):
        depths[children[node]] = depths[node] + 1
    return depths
