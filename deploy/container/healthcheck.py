"""Exit 0 where the service in this container is ready, 1 where it is not."""

import http.client
import os
import sys

OPEN, BEHIND_A_DOOR = 200, 401  # the second where LATENTONE_OPEN_WITHOUT_KEY leaves health out


def main() -> int:
    """Ask /readyz."""
    port = int(os.environ.get("LATENTONE_HTTP_PORT") or 3000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz")
        return int(connection.getresponse().status not in {OPEN, BEHIND_A_DOOR})
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
