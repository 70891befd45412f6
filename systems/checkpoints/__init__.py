"""What the models written here have in common in reading checkpoints: settings with errors that name them, tensors."""
