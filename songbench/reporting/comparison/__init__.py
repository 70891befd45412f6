"""Did a change help? Systems of two runs, or two systems of one, paired on the prompts that both were given."""

from songbench.reporting.comparison.compare import RunComparison, SystemDifference, compare_sides
from songbench.reporting.comparison.sides import RunSide, SystemSide, matching_systems

__all__ = ["RunComparison", "RunSide", "SystemDifference", "SystemSide", "compare_sides", "matching_systems"]
