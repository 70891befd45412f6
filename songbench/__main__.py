"""``python -m songbench`` is the command line."""

from songbench.cli import main

if __name__ == "__main__":
    main()
