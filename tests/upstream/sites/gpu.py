"""Copied into an environment: what programs ask about a GPU before they begin."""

import types

CUDA = {
    "is_available": lambda: True,
    "is_initialized": lambda: False,
    "current_device": lambda: 0,
    "memory_reserved": lambda device=0: 0,
    "memory_allocated": lambda device=0: 0,
    "max_memory_allocated": lambda device=0: 0,
    "get_device_name": lambda device=0: "a stand-in",
    "get_device_properties": lambda device=0: types.SimpleNamespace(total_memory=80 * 2**30),
}
