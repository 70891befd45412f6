"""A sink for tests: appends what it is told to a file."""

from pydantic import BaseModel

from songbench.contracts.cards import READY
from songbench.domain.errors import InputError


class LedgerSettings(BaseModel, extra="forbid"):
    """`stars` stand before each line; 13 are an accident."""

    stars: int = 0


class LedgerSink:
    settings_model = LedgerSettings

    def availability(self):
        return READY

    def check(self, settings, folder):
        if folder is None:
            raise InputError("A ledger needs a folder.", field="out")

    def send(self, report, settings, folder):
        if settings.stars == 13:
            raise ZeroDivisionError("bad luck")
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "ledger.txt", "a", encoding="utf-8") as file:
            for system in report.systems:
                for figure in system.figures:
                    file.write(f"{'*' * settings.stars}{report.run} {system.card.name} {figure.column} {figure.n}\n")
        return [folder / "ledger.txt"]
