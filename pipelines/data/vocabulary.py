"""The map between item ids and the column numbers of a matrix. Not the catalogue of items."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vocabulary:
    """The item ids that a network knows, in the order of its columns. Each stands once."""

    item_ids: tuple[str, ...]
    _nums: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        nums = {item_id: num for num, item_id in enumerate(self.item_ids)}
        if len(nums) != len(self.item_ids):
            raise ValueError("An item id stands twice in the vocabulary.")
        object.__setattr__(self, "_nums", nums)

    def __len__(self) -> int:
        return len(self.item_ids)

    def num(self, item_id: str) -> int | None:
        """The column of an item, None when it is unknown."""
        return self._nums.get(item_id)

    def split(self, item_ids: Iterable[str]) -> tuple[list[int], list[str]]:
        """Columns of the known ids, ascending and each once; and the unknown ids, as they came."""
        known: set[int] = set()
        unknown: dict[str, None] = {}
        for item_id in item_ids:
            num = self._nums.get(item_id)
            if num is None:
                unknown[item_id] = None
            else:
                known.add(num)
        return sorted(known), list(unknown)

    def select(self, item_nums: Sequence[int]) -> "Vocabulary":
        """The vocabulary of some of the columns, in the order given."""
        return Vocabulary(tuple(self.item_ids[num] for num in item_nums))
