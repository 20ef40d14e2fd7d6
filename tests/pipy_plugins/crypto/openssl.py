"""The ``openssl`` command, as a second opinion."""

import subprocess


def openssl(*arguments, given=b""):
    return subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=True, timeout=30).stdout
