"""LaDA-Band as its authors run it, in an environment of its own: what our implementation is compared with."""
