"""Worker processes: started with a channel of their own, watched, and ended with everything they have started."""
