"""One document model for every report: blocks, and a renderer each for terminals, Markdown, HTML and LaTeX."""
