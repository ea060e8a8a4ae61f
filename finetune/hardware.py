"""What PyTorch runs on here, and whether it is faster in bf16."""

from __future__ import annotations


def device_type() -> str:
    """``cuda``, ``mps`` or ``cpu``: what Trainer would choose."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_bf16() -> bool:
    """Whether bf16 is faster than fp32 here; on Apple's GPUs it is emulated on some."""
    import torch

    device = device_type()
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "mps":
        return False
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check and check())
