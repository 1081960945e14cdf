"""Turns arrays and tensors into NumPy matrices of logits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["logits_of"]


def logits_of(logits: Any) -> NDArray[Any]:
    """The logits as a NumPy array of floats, or of uint16 for bfloat16, without a copy.

    Raises:
        TypeError: If they are no floating-point numbers or not in main memory.
    """
    if type(logits).__module__.split(".")[0] == "torch":
        array = _torch_logits(logits)
    elif not hasattr(logits, "__array__") and hasattr(logits, "__dlpack__"):
        array = np.from_dlpack(logits)
    else:
        array = np.asarray(logits)
    if array.dtype.name == "bfloat16":
        array = array.view(np.uint16)
    floats = array.dtype.kind == "f" and array.dtype.itemsize in (2, 4, 8)
    if not floats and array.dtype != np.uint16:
        raise TypeError(
            "expected logits of float32, float16, bfloat16 (or its bits as uint16) or float64, "
            f"found {array.dtype}"
        )
    return array


def _torch_logits(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        raise TypeError(
            f"expected logits in main memory, found a tensor on `{tensor.device}`; "
            "call `.cpu()` on it"
        )
    if str(tensor.dtype) == "torch.bfloat16":
        # NumPy has no bfloat16. Whoever made a tensor has imported torch.
        bits: NDArray[Any] = tensor.view(sys.modules["torch"].int16).numpy()
        return bits.view(np.uint16)
    array: NDArray[Any] = tensor.numpy()
    return array
