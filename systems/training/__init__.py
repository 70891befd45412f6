"""What the trainings of several systems share: the learning rate by step, seeds, averaged weights."""
