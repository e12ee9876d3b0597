"""`python -m convkit.cli` is the `convkit` command."""

import sys

from convkit.cli._main import main

sys.exit(main())
