"""What plug-ins stand on: weights and their sources, environments of their own with worker processes, needs."""
