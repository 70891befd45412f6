"""Reports of listening tests: console, files, figures, leaderboard columns, agreement of metrics and people."""
