"""`python -m latentone_client`: the command line without its short name."""

import sys

from latentone_client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
