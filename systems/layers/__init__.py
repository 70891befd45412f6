"""Parts that the transformers written here share: norms, rotary positions, attention, packed weights, draws."""
