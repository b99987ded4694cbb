"""How many digits products are reckoned in while a network trains. Weights stay in float32.

In bfloat16 (8 bits of mantissa, the exponents of float32) a product of matrices takes a fraction
of the time where the processor or GPU multiplies it itself; elsewhere it takes longer. Sums within
a product are in float32 (Kalamkar et al. 2019, "A study of bfloat16 for deep learning training").
On a GPU torch's own defaults hold: it may add parts of a sum in bfloat16, and reckons convolutions
of float32 in 10 bits of mantissa (TF32).
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

PrecisionName = Literal["float32", "bfloat16", "auto"]

PRECISIONS: tuple[PrecisionName, ...] = ("float32", "bfloat16", "auto")
"""`auto` is bfloat16 where the device that trains multiplies it itself, float32 elsewhere."""


def multiplies_bfloat16(device: str = "cpu") -> bool:
    """Whether the processor does, or the GPU: `cuda`."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can = torch.cpu.get_capabilities()
    return bool(can.get("amx_bf16") or can.get("avx512_bf16"))


def precision(name: PrecisionName, device: str = "cpu") -> AbstractContextManager[object]:
    """Within it products of layers are reckoned so; gradients follow what they are of."""
    if name == "float32" or (name == "auto" and not multiplies_bfloat16(device)):
        return nullcontext()
    return torch.autocast(device, dtype=torch.bfloat16)


def widened(x: Tensor) -> Tensor:
    """x in float32, where it has fewer digits: for sums, and what is sensitive."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def reckoned(x: Tensor) -> Tensor:
    """x in the digits in which the products around are reckoned."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x
