"""Reason phrases, which status stands for which failure of an upstream, and heads of our own that say so."""

from typing import Final

from pipy_core.api import Failure, Head

#: Statuses as they are written in a response: ``int`` takes three times as long.
STATUSES: Final = {b"%d" % status: status for status in range(100, 1000)}
#: What a response without ``statusText`` says; any other number gets ``OK`` (spec: filters.md, 4.3).
PHRASES: Final = {
    100: "Continue",
    101: "Switching Protocols",
    102: "Processing",
    103: "Early Hints",
    200: "OK",
    201: "Created",
    202: "Accepted",
    203: "Non-Authoritative Information",
    204: "No Content",
    205: "Reset Content",
    206: "Partial Content",
    207: "Multi-Status",
    208: "Already Reported",
    226: "IM Used",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    305: "Use Proxy",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Payload Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    417: "Expectation Failed",
    421: "Misdirected Request",
    422: "Unprocessable Entity",
    423: "Locked",
    424: "Failed Dependency",
    425: "Too Early",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    430: "Unassigned",
    431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    506: "Variant Also Negotiates",
    507: "Insufficient Storage",
    508: "Loop Detected",
    509: "Unassigned",
    510: "Not Extended",
    511: "Network Authentication Required",
}

#: Seconds after which somebody who was refused because there was too much to do may try again.
RETRY_AFTER: Final = "5"

_TIMEOUT: Final = (504, "Gateway Timeout")
_FAILURES: Final = {
    Failure.CANNOT_RESOLVE: (502, "Cannot Resolve"),
    Failure.CONNECTION_REFUSED: (502, "Connection Refused"),
    Failure.READ_ERROR: (502, "Read Error"),
    Failure.WRITE_ERROR: (502, "Write Error"),
    # Not 401: that would ask the client for credentials, and it is not the client's that were refused (RFC 9110, 15.5.2).
    Failure.UNAUTHORIZED: (502, "Unauthorized"),
    Failure.CONNECTION_TIMEOUT: _TIMEOUT,
    Failure.READ_TIMEOUT: _TIMEOUT,
    Failure.WRITE_TIMEOUT: _TIMEOUT,
}


def answer_to(failure: Failure, too_large: bool = False) -> tuple[int, str]:
    """Status and reason phrase for a client whose upstream ended with *failure* before it answered (spec: filters.md, 4.2).

    :param too_large: it is the request that was too large, if anything was.
    """
    if too_large and failure is Failure.BUFFER_OVERFLOW:
        return 413, PHRASES[413]
    return _FAILURES.get(failure, (502, "Bad Gateway"))


def error_head(status: int, text: str = "") -> Head:
    """The head of an answer that we give ourselves; *text* is its reason phrase, the usual one if empty."""
    headers = {"retry-after": RETRY_AFTER} if status == 503 else {}
    return Head({"status": status, "statusText": text or PHRASES[status], "headers": headers})
