"""Content of items as numbers."""

import json

import numpy as np
import pytest

from pipelines.content.features import (
    MAX_WORDS,
    FeatureMap,
    ItemContent,
    feature_map_of,
    learn_blocks,
    words_of,
)

ITEMS = [
    ItemContent("a", ("rock", "live"), "Blue Moon\nslow", np.array([1.0, 0.0])),
    ItemContent("b", ("rock",), "Blue Sun", np.array([0.0, 1.0])),
    ItemContent("c", ("folk",), "Red moon 1999", np.array([1.0, 1.0])),
    ItemContent("d", ("folk",), "Green", None),
    ItemContent("e", (), "Yellow 1999", None),
]


def learnt(image: str | None = None) -> FeatureMap:
    blocks = learn_blocks(ITEMS, image_artifact_id=image)
    return FeatureMap(blocks, dict.fromkeys(blocks, 1.0))


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert words_of("Amélie (2001), l'été!") == {"amélie", "2001", "l", "été"}


def test_what_one_item_alone_has_is_no_feature() -> None:
    blocks = learn_blocks(ITEMS, image_artifact_id=None)
    assert blocks["categories"].names == ("folk", "rock")
    assert blocks["words"].names == ("1999", "blue", "moon")


def test_a_word_of_most_items_is_no_feature_and_the_words_are_bounded() -> None:
    items = [ItemContent(str(n), (), f"the word{n // 2}") for n in range(3 * MAX_WORDS)]
    words = learn_blocks(items, image_artifact_id=None)["words"]
    assert words.size == MAX_WORDS
    assert "the" not in words.names


def test_rows_of_each_block_have_length_1_or_0() -> None:
    feature_map = learnt("images-1")
    rows = feature_map.rows(ITEMS).toarray()
    for columns in (slice(0, 2), slice(2, 5), slice(5, 7)):
        lengths = np.linalg.norm(rows[:, columns], axis=1)
        assert all(np.isclose(lengths, 1) | np.isclose(lengths, 0))
    assert np.linalg.norm(rows[3, 5:]) == 0


def test_a_scale_multiplies_its_block_alone() -> None:
    blocks = learnt().blocks
    once, twice = (FeatureMap(blocks, {"categories": 1.0, "words": w}) for w in (1.0, 2.0))
    np.testing.assert_allclose(
        twice.rows(ITEMS).toarray(), once.rows(ITEMS).toarray() * [1, 1, 2, 2, 2]
    )


@pytest.mark.parametrize("image", [None, "images-1"])
def test_a_map_survives_json(image: str | None) -> None:
    feature_map = learnt(image)
    again = feature_map_of(json.loads(json.dumps(feature_map.values())))
    assert again == feature_map
    assert again.image_artifact_id == image


def test_content_that_nothing_was_learnt_of_has_no_features() -> None:
    stranger = ItemContent("x", ("jazz",), "Purple Rain", np.array([1.0, 2.0, 3.0]))
    assert learnt("images-1").rows([stranger]).nnz == 0
    assert learnt().rows([]).shape == (0, 5)


def test_numbers_of_an_image_that_hardly_vary_are_not_made_loud() -> None:
    images = [np.array([first, 1e-6 * first, 0.0]) for first in (-1.0, 1.0, 0.5)]
    items = [ItemContent(str(num), image=image) for num, image in enumerate(images)]
    rows = learn_blocks(items, image_artifact_id="images-1")["images"].rows(items).toarray()
    assert np.abs(rows[:, 0]).min() > 0.99
    assert np.abs(rows[:, 1:]).max() < 0.01
