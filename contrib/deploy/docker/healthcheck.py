#!/usr/bin/env python3
"""Whether the Pipy of this container is alive: asks ``/healthz`` of its admin port; exit code 0 if so, 1 if not.

Where the admin port has TLS with certificates of clients, set a health check of your own, or switch it off.
"""

import http.client
import os
import ssl
import sys

TIMEOUT = 2.0


def answer() -> int:
    """The status of ``/healthz``."""
    host, _, port = os.environ.get("PIPY_ADMIN_PORT", "").rpartition(":")
    if host in {"", "0.0.0.0"}:  # noqa: S104  # asked, not listened at
        host = "127.0.0.1"
    if host == "[::]":
        host = "[::1]"
    if os.environ.get("PIPY_ADMIN_TLS_CERT"):
        # It is this container that is asked: whose name the certificate has does not matter.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(f"{host}:{port}", timeout=TIMEOUT, context=context)
    else:
        connection = http.client.HTTPConnection(f"{host}:{port}", timeout=TIMEOUT)
    token = os.environ.get("PIPY_ADMIN_TOKEN", "")
    connection.request("GET", "/healthz", headers={"authorization": f"Bearer {token}"} if token else {})
    return connection.getresponse().status


try:
    sys.exit(answer() != 200)
except (OSError, http.client.HTTPException) as error:
    print(error, file=sys.stderr)
    sys.exit(1)
