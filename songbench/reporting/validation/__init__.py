"""How metrics answer to controlled damage: response curves, verdicts, table and figures."""
