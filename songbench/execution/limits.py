"""What systems say beforehand that they cannot take."""

from __future__ import annotations

from songbench.contracts import registry
from songbench.contracts.registry import PluginError, SystemSpec
from songbench.contracts.system import SystemWithLimits
from songbench.domain.errors import one_line
from songbench.domain.song import Request
from songbench.execution.experiment import ConfiguredSystem
from songbench.execution.plain import short_repr


def unsupported_reason(system: ConfiguredSystem, request: Request) -> str | None:
    """Why a system cannot take a request, as one clause; None when it can, or does not say beforehand.

    Args:
        system: any; asked are only those with `SystemWithLimits.unsupported`.
        request: without its audio, which need not be there yet.

    Raises:
        PluginError: when the plug-in fails or gives something else, naming it and the prompt.
    """
    if not isinstance(system.plugin, SystemWithLimits):
        return None
    try:
        reason = system.plugin.unsupported(request)
    except Exception as error:
        raise PluginError(_broken(system, request, f"failed: {type(error).__name__}: {error}")) from error
    if reason is None:
        return None
    if not isinstance(reason, str) or not reason.strip():
        raise PluginError(_broken(system, request, f"gave {short_repr(reason)} instead of a reason or None"))
    return one_line(reason).rstrip(".")


def _broken(system: ConfiguredSystem, request: Request, fault: str) -> str:
    plugin = registry.plugin_name(registry.SYSTEMS, SystemSpec.parse(system.spec).name)
    return f"The {plugin}, asked whether it can take the prompt '{request.prompt.id}', {fault}."
