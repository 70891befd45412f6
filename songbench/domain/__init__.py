"""The words of the harness as frozen dataclasses, with their file formats."""
