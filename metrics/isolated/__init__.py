"""Worker scripts that run in environments of their own; nothing here is imported by songbench."""
