"""The report page of a run: ``report.html`` with a page per prompt, static files that any host can serve."""
