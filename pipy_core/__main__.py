"""``python -m pipy_core`` is ``pipy``."""

import sys

from pipy_core.cli import main

sys.exit(main())
