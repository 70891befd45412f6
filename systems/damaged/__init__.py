"""Songs with known faults: what metrics are validated with."""
