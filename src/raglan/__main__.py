"""`python -m raglan` is the same as `raglan`."""

from raglan.cli import main

if __name__ == "__main__":
    main()
