"""How what is counted of connections becomes families: the same for the ports of a script and for the admin port. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pipy_core.counters import SECONDS, Tally, bucket_samples
from pipy_core.figures import Family, Sample

#: Clients, and servers, that are told apart in the figures that the original has too; the others are in the totals only.
MAX_PEERS: Final = 1000


def tally_families(tallies: Iterable[Tally], open_connections: Mapping[str, int]) -> list[Family]:
    """What listeners have counted.

    :param open_connections: by the names of the tallies.
    """
    tallies = list(tallies)

    def counter(name: str, text: str, numbers: Iterable[tuple[Tally, float]]) -> Family:
        return Family(name, "counter", text, [("", (("listener", tally.name),), number) for tally, number in numbers])

    refused = [
        ("", (("listener", tally.name), ("cause", cause)), number) for tally in tallies for cause, number in tally.refused.items()
    ]
    statuses = [
        ("", (("listener", tally.name), ("code", f"{digit}xx")), sum(tally.statuses[digit * 100 : digit * 100 + 100]))
        for tally in tallies
        for digit in range(1, 6)
    ]
    durations = [
        sample
        for tally in tallies
        for sample in bucket_samples((("listener", tally.name),), SECONDS, tally.buckets, tally.duration)
    ]
    now = [("", (("listener", name),), number) for name, number in open_connections.items()]
    return [
        counter("pipy_connections_accepted_total", "Connections accepted.", ((each, each.accepted) for each in tallies)),
        Family("pipy_connections_open", "gauge", "Connections that are open now.", now),
        Family("pipy_connections_refused_total", "counter", "Connections refused or cut by a limit, by cause.", refused),
        counter("pipy_received_bytes_total", "Bytes received from clients.", ((each, each.bytes_in) for each in tallies)),
        counter("pipy_sent_bytes_total", "Bytes sent to clients.", ((each, each.bytes_out) for each in tallies)),
        Family("pipy_http_requests_total", "counter", "HTTP requests answered, by class of status.", statuses),
        Family(
            "pipy_http_request_duration_seconds",
            "histogram",
            "Time from the head of a request to the end of its response.",
            durations,
        ),
    ]


def inbound_family(numbers: Mapping[str, Counter[str]]) -> Family:
    """``pipy_inb_cnt``: open connections by listener and by client."""

    def samples() -> Iterator[Sample]:
        yield "", (), sum(peers.total() for peers in numbers.values())
        for name, peers in numbers.items():
            yield "", (("listen", name),), peers.total()
            for peer, number in peers.most_common(MAX_PEERS):
                yield "", (("listen", name), ("peer", peer)), number

    return Family("pipy_inb_cnt", "gauge", "Inbound connections.", list(samples()), plain=True)


def by_label(label: str, numbers: Mapping[str, int]) -> Iterator[Sample]:
    """Samples as the original has them: the sum, then the largest of *numbers*, each with its key as the value of *label*."""
    yield "", (), sum(numbers.values())
    for value, number in Counter(numbers).most_common(MAX_PEERS):
        yield "", ((label, value),), number
