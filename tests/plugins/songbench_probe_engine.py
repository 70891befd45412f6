"""An engine of another package, for tests: it works in this process and logs every job with a label."""

from typing import ClassVar

from songbench_probe import log

from songbench.execution.engine.inline import InlineEngine
from songbench.execution.settings import EngineSettings


class LoggingSettings(EngineSettings):
    """The label of its entries in the log."""

    shares_memory: ClassVar[bool] = True
    label: str


class LoggingEngine(InlineEngine):
    """The inline engine with a log."""

    settings_model = LoggingSettings

    def __init__(self, settings, store, folder):
        super().__init__(settings, store, folder)
        self._label = settings.label

    def run(self, queue, report):
        super().run(LoggedQueue(queue, self._label), report)


class LoggedQueue:
    """A queue that logs the jobs that are taken."""

    def __init__(self, queue, label):
        self._queue, self._label = queue, label
        self.end = queue.end

    @property
    def finished(self):
        return self._queue.finished

    def take(self, accept=None):
        job = self._queue.take(accept)
        if job:
            log(f"{self._label} {job.kind}")
        return job
