"""VGG (Simonyan & Zisserman 2015): filters of 3x3 only, five phases, each half as large."""

from models.encoders.layers import Conv, Dense, Dropout, MapLayer, Pool
from models.encoders.sequential import SequentialConfig

# Filters of each layer, phase by phase; a pool ends each. Table 1, columns A, B, D and E.
PHASES: dict[str, tuple[tuple[int, ...], ...]] = {
    "vgg11": ((64,), (128,), (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg13": ((64,) * 2, (128,) * 2, (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}


def vgg(phases: tuple[tuple[int, ...], ...]) -> SequentialConfig:
    """The table of these phases: 224 x 224 becomes 7 x 7."""
    features: list[MapLayer] = []
    for phase in phases:
        features += [Conv(filters, 3, padding=1) for filters in phase]
        features.append(Pool("max", 2, 2))
    classifier = (Dense(4096), Dropout(0.5), Dense(4096), Dropout(0.5))
    return SequentialConfig(tuple(features), 7, classifier)
