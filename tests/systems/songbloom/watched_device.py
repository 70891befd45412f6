"""A device that a machine without one can watch: it computes on the CPU and counts what crosses over.

Tensors on it say that their device is ``meta``. Mixing them with tensors of the CPU in one operation is an error, as on
any accelerator; a copy in either direction is counted, with whether the host waits for it.
"""

from collections import Counter

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
READS = (aten._local_scalar_dense, aten.item, aten.nonzero, aten.equal, aten.is_nonzero, aten.masked_select)
INDICES = (aten.index, aten.index_put, aten.index_put_)


def reads_on_host(function, tensors):
    """Whether the host needs the answer: of `.item()`, of `if tensor`, of how much a mask lets through as an index."""
    masks = [tensor for tensor in tensors[1:] if tensor.dtype == torch.bool]
    return function.overloadpacket in READS or (function.overloadpacket in INDICES and bool(masks))


class DeviceTensor(torch.Tensor):
    """A tensor on the watched device; `values` are on the CPU."""

    @staticmethod
    def __new__(cls, values):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device="meta",
        )

    def __init__(self, values):
        self.values = values

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} outside of WatchedDevice")


def _values(tree):
    return tree_map(lambda leaf: leaf.values if isinstance(leaf, DeviceTensor) else leaf, tree)


class _Functions(TorchFunctionMode):
    """What does not come by as an operation: `torch.tensor` on the device, which copies and waits, and `tolist`."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor) and str(kwargs.get("device", "cpu")) == "meta":
            self.counts["waits: to the device"] += 1
            return DeviceTensor(function(*args, **{**kwargs, "device": "cpu"}))
        if function is torch.Tensor.tolist and isinstance(args[0], DeviceTensor):
            self.counts["waits: to the host"] += 1
            return args[0].values.tolist()
        return function(*args, **kwargs)


class WatchedDevice(TorchDispatchMode):
    """While it is on, the device ``meta`` computes.

    Attributes:
        counts: of ``waits: to the device``, ``waits: to the host`` and ``copies``, to the device without waiting.
    """

    def __init__(self):
        super().__init__()
        self.counts = Counter()
        self._functions = _Functions(self.counts)

    def __enter__(self):
        self._functions.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self._functions.__exit__(*error)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function.overloadpacket is aten.to:  # arrives whole in inference mode
            return self._moved(function, args, kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        flags = [isinstance(tensor, DeviceTensor) for tensor in tensors]
        target = kwargs.get("device")
        if target is not None:
            kwargs["device"] = torch.device("cpu")
        on_device = any(flags) if target is None else torch.device(target).type == "meta"
        if function is aten._to_copy.default and target is not None and flags[0] != on_device:
            self._count(on_device, kwargs.pop("non_blocking", False))
        elif function is aten.copy_.default and flags[0] != flags[1]:
            self._count(flags[0], len(args) > 2 and args[2])
            on_device = flags[0]
        elif any(flags) and any(not inside and tensor.ndim for inside, tensor in zip(flags, tensors, strict=True)):
            raise AssertionError(f"{function} of tensors on the device and on the CPU")
        if any(flags) and reads_on_host(function, tensors):
            self._count(False, False)
        result = function(*_values(args), **_values(kwargs))
        if not on_device:
            return result
        return tree_map(lambda leaf: DeviceTensor(leaf) if isinstance(leaf, torch.Tensor) else leaf, result)

    def _moved(self, function, args, kwargs):
        """What `Tensor.to` gives: the tensor itself where nothing changes, else a copy."""
        names = [argument.name for argument in function._schema.arguments]
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        tensor, pattern = arguments["self"], arguments.get("other")
        dtype = arguments.get("dtype") or (tensor.dtype if pattern is None else pattern.dtype)
        device = torch.device(arguments.get("device") or (tensor.device if pattern is None else pattern.device))
        if (dtype, device.type) == (tensor.dtype, tensor.device.type):
            return tensor
        options = {"dtype": dtype, "device": device, "non_blocking": arguments.get("non_blocking", False)}
        return self.__torch_dispatch__(aten._to_copy.default, (), (tensor,), options)

    def _count(self, to_device, non_blocking):
        if to_device and non_blocking:
            self.counts["copies"] += 1
        else:
            self.counts["waits: to the device" if to_device else "waits: to the host"] += 1


def to_device(model):
    """Move a model to the watched device, in place."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            module.register_parameter(name, torch.nn.Parameter(DeviceTensor(parameter.data), requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            module.register_buffer(name, DeviceTensor(buffer))
    return model
