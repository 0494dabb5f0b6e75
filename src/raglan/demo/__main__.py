"""Lets `python -m raglan.demo` replay the story."""

import sys

from raglan.demo.run import main

if __name__ == "__main__":
    sys.exit(main())
