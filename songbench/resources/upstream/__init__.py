"""Other people's programs as systems: how they are called, and the worker that calls them."""
