"""Training LaDA-Band: masks, objective, condition dropout, audio rules, data and the loop (`fit`)."""
