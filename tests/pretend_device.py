"""A pretend GPU for tests: its tensors lie on the processor, but do not mix with others there.

What a GPU refuses is refused: an operation on tensors of both (but for single numbers, and copies
from one to the other), and `numpy()`. Under autocast it reckons in the digits in which CUDA does.
Not fast, and not a GPU's own rounding, order of sums or random numbers: those are the processor's.
"""

from functools import cache
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "pretend"
COPIES = (torch.ops.aten.copy_.default,)
FACTORIES = (
    *("arange", "empty", "empty_strided", "eye", "full", "ones", "rand", "randint", "randn"),
    *("randperm", "scalar_tensor", "zeros"),
)
"""What makes tensors of nothing, on the device that it is told."""
REDUCED = {
    *("linear", "matmul", "mm", "mv", "addmm", "addmv", "bmm", "baddbmm", "convolution", "conv1d"),
    *("conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input"),
}
"""What CUDA reckons in the fewer digits of autocast, of what networks here do."""
PROMOTED = {"atan2", "addcdiv", "addcmul", "bilinear", "cross", "dot", "index_put", "scatter_add"}
"""What it reckons in the widest of its inputs; all else of its list in float32."""
LIBRARY = torch.library.Library("aten", "IMPL")
FALLBACKS = torch.library.Library("_", "IMPL")
AUTOCAST = "AutocastPrivateUse1"


class PretendTensor(torch.Tensor):
    """Has the device of a pretend GPU; `on_processor` is where its numbers are."""

    on_processor: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls: Any, on_processor: torch.Tensor) -> "PretendTensor":
        with torch.inference_mode(on_processor.is_inference()):
            made: PretendTensor = torch.Tensor._make_wrapper_subclass(
                cls,
                on_processor.shape,
                strides=on_processor.stride(),
                storage_offset=on_processor.storage_offset(),
                dtype=on_processor.dtype,
                device=torch.device(NAME, 0),
            )
        made.on_processor = on_processor
        return made

    def tolist(self) -> Any:
        return self.on_processor.tolist()

    def __repr__(self) -> str:
        return f"PretendTensor({self.on_processor!r})"

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(op, args, dict(kwargs or {}))


def _run(op: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The operation on the processor; what it gives is on the pretend device again."""
    given = [each for each in pytree.tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    for each in given:
        if not isinstance(each, PretendTensor) and each.dim() and op not in COPIES:
            raise RuntimeError(f"{op} mixes tensors of the pretend device and the processor.")
    leaves = False
    if kwargs.get("device") is not None:
        leaves = torch.device(kwargs["device"]).type == "cpu"
        kwargs["device"] = "cpu"
    found = op(*_unwrapped(args), **_unwrapped(kwargs))
    own = {id(_unwrapped(each)): each for each in given}  # what is changed in place stays itself

    def wrapped(each: torch.Tensor) -> torch.Tensor:
        return own[id(each)] if id(each) in own else PretendTensor(each)

    return found if leaves else pytree.tree_map_only(torch.Tensor, wrapped, found)


def _unwrapped(tree: Any) -> Any:
    return pytree.tree_map_only(PretendTensor, lambda each: each.on_processor, tree)


class _Module(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


@cache
def pretend_device() -> torch.device:
    """The device, which torch knows from the first call on."""
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
    for name in FACTORIES:
        packet = getattr(torch.ops.aten, name)
        for overload in packet.overloads():
            _register_factory(getattr(packet, overload))
    FALLBACKS.fallback(torch.library.fallthrough_kernel, AUTOCAST)
    for name in torch._C._dispatch_get_registrations_for_dispatch_key("AutocastCUDA"):
        _register_autocast(name.removeprefix("aten::"))
    return torch.device(NAME, 0)


def _register_factory(op: Any) -> None:
    arguments = {each.name for each in op._schema.arguments}
    if "device" not in arguments or "names" in arguments:
        return

    def made(*args: Any, **kwargs: Any) -> PretendTensor:
        kwargs = {name: each for name, each in kwargs.items() if name != "pin_memory"}
        return PretendTensor(op(*args, **{**kwargs, "device": "cpu"}))

    LIBRARY.impl(op.name().removeprefix("aten::"), made, "PrivateUse1")


def _register_autocast(name: str) -> None:
    packet, _, overload = name.partition(".")
    op = getattr(getattr(torch.ops.aten, packet), overload or "default")
    key = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)

    def cast(given: list[torch.Tensor]) -> torch.dtype:
        if name in PROMOTED:
            return torch.float32 if any(x.dtype == torch.float32 for x in given) else torch.bfloat16
        return torch.get_autocast_dtype(NAME) if name in REDUCED else torch.float32

    def kernel(*args: Any, **kwargs: Any) -> Any:
        floats = [
            each
            for each in pytree.tree_leaves((args, kwargs))
            if isinstance(each, PretendTensor) and each.dtype in (torch.float32, torch.bfloat16)
        ]
        with torch._C._ExcludeDispatchKeyGuard(key):
            to = {id(each): each.to(cast(floats)) for each in floats}
            args, kwargs = pytree.tree_map_only(
                torch.Tensor, lambda each: to.get(id(each), each), (args, kwargs)
            )
            return op(*args, **kwargs)

    LIBRARY.impl(name, kernel, AUTOCAST)
