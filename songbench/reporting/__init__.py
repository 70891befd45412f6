"""From stored scores to what people read: leaderboard, tables, figures."""
