"""Networks over signals along one axis and over volumes or clips along three, as tables.

Of no paper: three filters that each halve what they read, normalised. Sizes are odd, so that the
middle of a filter stays where it was.
"""

from models.encoders.layers import Conv
from models.encoders.sequential import SequentialConfig

SEQUENCE = SequentialConfig(  # 128
    features=(
        Conv(16, 9, stride=2, padding=4, normalised=True),  # 64
        Conv(32, 9, stride=2, padding=4, normalised=True),  # 32
        Conv(64, 9, stride=2, padding=4, normalised=True),  # 16
    ),
    grid=1,
    classifier=(),
    in_channels=1,
    n_classes=None,
    axes=1,
)

VOLUME = SequentialConfig(  # 16 x 16 x 16
    features=(
        Conv(8, 3, stride=2, padding=1, normalised=True),  # 8 x 8 x 8
        Conv(16, 3, stride=2, padding=1, normalised=True),  # 4 x 4 x 4
        Conv(32, 3, stride=2, padding=1, normalised=True),  # 2 x 2 x 2
    ),
    grid=1,
    classifier=(),
    in_channels=1,
    n_classes=None,
    axes=3,
)
