"""Tables for papers: chosen systems and columns of a run, laid out as LaTeX, Markdown and CSV."""
