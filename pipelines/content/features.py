"""Content of items as rows of features: categories, words of title and tags, image embeddings.

Each kind of content is a block whose rows have length 1, so that long titles are no louder than
short ones, times a scale for the whole block. What a block learnt is plain data.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from models.content import Array, Csr

MAX_CATEGORIES, MAX_WORDS = 300, 1_000
"""The most frequent are kept."""
MIN_ITEMS_WITH = 2
"""What fewer items have says nothing about others."""
MAX_SHARE_WITH = 0.5
"""A word that more of the items have says nothing either."""

LEAST_DEVIATION = 0.01
"""Of a number of an image embedding, as a share of the largest."""


class ItemContent(NamedTuple):
    """What is known of an item; its image embedding is of the artifact that the block names."""

    item_id: str
    categories: Sequence[str] = ()
    text: str = ""
    image: Array | None = None


class Block(Protocol):
    """One kind of content as numbers."""

    @property
    def size(self) -> int:
        """How many features it has."""

    def rows(self, contents: Sequence[ItemContent]) -> Csr:
        """Rows (n, size) of length 1; 0 where nothing is known."""


@dataclass(frozen=True)
class Categories:
    """A 1 for each category of an item."""

    names: tuple[str, ...]

    @classmethod
    def learn(cls, contents: Sequence[ItemContent]) -> "Categories":
        """Those that several of the items have."""
        counts = Counter(name for content in contents for name in set(content.categories))
        return cls(_frequent(counts, MAX_CATEGORIES))

    @property
    def size(self) -> int:
        return len(self.names)

    def rows(self, contents: Sequence[ItemContent]) -> Csr:
        return _unit(_one_hot((content.categories for content in contents), self.names))


@dataclass(frozen=True)
class Words:
    """TF-IDF of the words of title and tags: log((1 + items) / (1 + items with it)) + 1."""

    names: tuple[str, ...]
    importance: tuple[float, ...]

    @classmethod
    def learn(cls, contents: Sequence[ItemContent]) -> "Words":
        """Those that several, but not most, of the items have."""
        counts = Counter(word for content in contents for word in words_of(content.text))
        most = max(MIN_ITEMS_WITH, MAX_SHARE_WITH * len(contents))
        usual = Counter({word: count for word, count in counts.items() if count <= most})
        names = _frequent(usual, MAX_WORDS)
        shares = np.array([(1 + len(contents)) / (1 + counts[word]) for word in names])
        return cls(names, tuple((np.log(shares) + 1).tolist()))

    @property
    def size(self) -> int:
        return len(self.names)

    def rows(self, contents: Sequence[ItemContent]) -> Csr:
        present = _one_hot((words_of(content.text) for content in contents), self.names)
        importance = np.array(self.importance, dtype=np.float32)
        return _unit(sparse.csr_array(present @ sparse.diags_array(importance)))


@dataclass(frozen=True)
class Images:
    """Image embeddings of one artifact, each number less its mean and over its deviation."""

    artifact_id: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def learn(cls, contents: Sequence[ItemContent], artifact_id: str) -> "Images":
        """Mean and deviation over the items that have an image."""
        found = [content.image for content in contents if content.image is not None]
        if len(found) < MIN_ITEMS_WITH:
            return cls(artifact_id, (), ())
        images = np.array(found, dtype=np.float64)
        deviation = images.std(axis=0)
        # What hardly varies is the last digits of arithmetic: divided by them, noise is loud.
        deviation = np.maximum(deviation, max(LEAST_DEVIATION * deviation.max(), 1e-6))
        return cls(artifact_id, tuple(images.mean(axis=0).tolist()), tuple(deviation.tolist()))

    @property
    def size(self) -> int:
        return len(self.mean)

    def rows(self, contents: Sequence[ItemContent]) -> Csr:
        images = np.zeros((len(contents), self.size), dtype=np.float32)
        for num, content in enumerate(contents):
            if content.image is not None and len(content.image) == self.size:
                images[num] = (content.image - self.mean) / self.deviation
        return _unit(sparse.csr_array(images))


BLOCKS: dict[str, Callable[..., Block]] = {
    "categories": Categories,
    "words": Words,
    "images": Images,
}


@dataclass(frozen=True)
class FeatureMap:
    """All blocks side by side, each times its scale."""

    blocks: Mapping[str, Block]
    scales: Mapping[str, float]

    def rows(self, contents: Sequence[ItemContent]) -> Csr:
        """Features of the items, (n, n_features)."""
        parts = {name: block.rows(contents) for name, block in self.blocks.items()}
        return side_by_side(parts, self.scales)

    @property
    def image_artifact_id(self) -> str | None:
        """The artifact whose image embeddings it reads, if any."""
        block = self.blocks.get("images")
        return block.artifact_id if isinstance(block, Images) else None

    def values(self) -> dict[str, Any]:
        """As JSON knows it."""
        blocks = {name: asdict(block) for name, block in self.blocks.items()}  # type: ignore[call-overload]
        return {"blocks": blocks, "scales": dict(self.scales)}


def feature_map_of(values: Mapping[str, Any]) -> FeatureMap:
    """The map that gave these `values`."""
    blocks = {
        name: BLOCKS[name](**{key: _tupled(value) for key, value in learnt.items()})
        for name, learnt in values["blocks"].items()
    }
    return FeatureMap(blocks, values["scales"])


def side_by_side(parts: Mapping[str, Csr], scales: Mapping[str, float]) -> Csr:
    """The rows of all blocks as one, each times its scale."""
    scaled = [scales[name] * rows for name, rows in parts.items()]
    stacked: Csr = sparse.csr_array(sparse.hstack(scaled, format="csr"))
    return stacked.astype(np.float32)


def learn_blocks(
    contents: Sequence[ItemContent], *, image_artifact_id: str | None
) -> dict[str, Block]:
    """What there is to learn from these items, by name; blocks without a feature are left out."""
    blocks: dict[str, Block] = {
        "categories": Categories.learn(contents),
        "words": Words.learn(contents),
    }
    if image_artifact_id is not None:
        blocks["images"] = Images.learn(contents, image_artifact_id)
    return {name: block for name, block in blocks.items() if block.size}


def words_of(text: str) -> set[str]:
    """The words of a text in lower case: letters, digits and `_` with none between."""
    return set(re.findall(r"\w+", text.casefold()))


def _frequent(counts: Mapping[str, int], most: int) -> tuple[str, ...]:
    known = (name for name, count in counts.items() if count >= MIN_ITEMS_WITH)
    return tuple(sorted(known, key=lambda name: (-counts[name], name))[:most])


def _one_hot(named: Iterable[Iterable[str]], names: Sequence[str]) -> Csr:
    places = {name: place for place, name in enumerate(names)}
    indices, offsets = [], [0]
    for some in named:
        indices += sorted({places[name] for name in some if name in places})
        offsets.append(len(indices))
    ones = np.ones(len(indices), dtype=np.float32)
    shape = (len(offsets) - 1, len(names))
    return sparse.csr_array((ones, np.array(indices, dtype=np.int64), offsets), shape=shape)


def _unit(rows: Csr) -> Csr:
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.where(lengths == 0, 1, lengths)) @ rows)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
