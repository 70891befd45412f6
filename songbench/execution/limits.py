"""What systems say beforehand that they cannot take."""

from __future__ import annotations

from songbench.contracts import registry
from songbench.contracts.registry import PluginError, SystemSpec
from songbench.contracts.system import System
from songbench.domain.errors import one_line
from songbench.domain.song import Request
from songbench.execution.plain import short_repr


def unsupported_reason(system: System, spec: str, request: Request) -> str | None:
    """Why a system cannot take a request, as one clause; None when it can, or does not say beforehand.

    Args:
        system: any; asked are only those with `SystemWithLimits.unsupported`.
        spec: as the user wrote the system.
        request: without its audio, which need not be there yet.

    Raises:
        PluginError: when the plug-in fails or gives something else, naming it and the prompt.
    """
    prompt = request.prompt
    if prompt.track == "song" and not prompt.lyrics_known and "lyrics" in system.card.conditions:
        return "the prompt stands for finished audio and has no lyrics"
    unsupported = getattr(system, "unsupported", None)  # of `SystemWithLimits`; asked of every song, so by name alone
    if unsupported is None:
        return None
    try:
        reason = unsupported(request)
    except Exception as error:
        raise PluginError(_broken(spec, request, f"failed: {type(error).__name__}: {error}")) from error
    if reason is None:
        return None
    if not isinstance(reason, str) or not reason.strip():
        raise PluginError(_broken(spec, request, f"gave {short_repr(reason)} instead of a reason or None"))
    return one_line(reason).rstrip(".")


def _broken(spec: str, request: Request, fault: str) -> str:
    plugin = registry.plugin_name(registry.SYSTEMS, SystemSpec.parse(spec).name)
    return f"The {plugin}, asked whether it can take the prompt '{request.prompt.id}', {fault}."
