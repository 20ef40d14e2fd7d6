"""``python -m pipy_core`` is ``pipy``; with ``--supervised`` and a descriptor it is one of the workers of a supervisor."""

import sys

from pipy_core import app
from pipy_core.cli import main

sys.exit(app.serve(int(sys.argv[2])) if sys.argv[1:2] == ["--supervised"] else main())
