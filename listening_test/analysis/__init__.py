"""From tidy frames to conclusions: screening, means, differences, preferences, reliability, power. Pure functions."""
