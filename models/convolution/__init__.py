"""The operator of convolutional networks, in arithmetic that one can follow by hand.

Not the networks: those use torch's own layers, with which this agrees.
"""

from models.convolution.filters import FILTERS, classic_filter, gaussian_blur
from models.convolution.operator import (
    convolve,
    convolve_maps,
    correlate,
    correlate_maps,
    flip,
    pad,
    windows,
)
from models.convolution.pooling import max_pool, mean_pool
from models.convolution.signals import convolve_functions, echo, weighted_moving_average
from models.convolution.sizes import (
    ReceptiveField,
    Window,
    dense_weights,
    filter_weights,
    output_size,
    output_sizes,
    receptive_fields,
    smallest_input,
)

__all__ = [
    "FILTERS",
    "ReceptiveField",
    "Window",
    "classic_filter",
    "convolve",
    "convolve_functions",
    "convolve_maps",
    "correlate",
    "correlate_maps",
    "dense_weights",
    "echo",
    "filter_weights",
    "flip",
    "gaussian_blur",
    "max_pool",
    "mean_pool",
    "output_size",
    "output_sizes",
    "pad",
    "receptive_fields",
    "smallest_input",
    "weighted_moving_average",
    "windows",
]
