"""JAM (Project Jamify): songs from words that each have a time, and a style in words or in sound."""
