"""Systems that are services: `HostedSystem` and what it stands on."""

from songbench.resources.hosted.errors import ServiceError, Trouble, error_of_status
from songbench.resources.hosted.orders import orders_folder
from songbench.resources.hosted.service import Service
from songbench.resources.hosted.system import HostedInput, HostedSong, HostedSystem, message_in
from songbench.resources.hosted.terms import Price, Terms

__all__ = [
    "HostedInput",
    "HostedSong",
    "HostedSystem",
    "Price",
    "Service",
    "ServiceError",
    "Terms",
    "Trouble",
    "error_of_status",
    "message_in",
    "orders_folder",
]
