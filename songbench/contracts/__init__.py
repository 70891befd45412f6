"""What a system, a metric and a feature extractor must be, and how they are found."""
