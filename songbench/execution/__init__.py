"""From a plan to stored results: store, keys, plan, runner, engines, weights."""
