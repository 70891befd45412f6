"""Environments of their own for what cannot live beside our packages, and workers in them.

An `Environment` is declared next to the code that needs it, set up by ``songbench setup NAME``, and used through an
`IsolatedWorker`: a process of that environment's Python that answers calls with JSON.
"""

from songbench.resources.environments.environment import (
    Environment,
    InstallStep,
    availability,
    environments_folder,
    folder_of,
    identity_of,
    installed,
    override_of,
    override_variable,
    python_of,
    wheel_commands,
)
from songbench.resources.environments.errors import IsolationError, SetupError
from songbench.resources.environments.files import read_array, write_wav
from songbench.resources.environments.installing import setup_environment
from songbench.resources.environments.worker import IsolatedWorker

__all__ = [
    "Environment",
    "InstallStep",
    "IsolatedWorker",
    "IsolationError",
    "SetupError",
    "availability",
    "environments_folder",
    "folder_of",
    "identity_of",
    "installed",
    "override_of",
    "override_variable",
    "python_of",
    "read_array",
    "setup_environment",
    "wheel_commands",
    "write_wav",
]
