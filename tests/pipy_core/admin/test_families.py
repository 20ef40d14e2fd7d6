"""Families of what listeners have counted."""

from collections import Counter

from pipy_core.admin.families import MAX_PEERS, by_label, inbound_family, tally_families
from pipy_core.counters import Tally


def numbers(families):
    return {(each.name + suffix, labels): value for each in families for suffix, labels, value in each.samples}


def test_of_listeners():
    tally = Tally("a:1")
    tally.accepted, tally.bytes_in, tally.bytes_out = 5, 100, 200
    tally.statuses[200], tally.statuses[201], tally.statuses[404] = 1, 2, 3
    tally.refuse("connections")
    found = numbers(tally_families([tally], {"a:1": 4}))
    here = ("listener", "a:1")
    assert found["pipy_connections_accepted_total", (here,)] == 5
    assert found["pipy_connections_open", (here,)] == 4
    assert found["pipy_connections_refused_total", (here, ("cause", "connections"))] == 1
    assert found["pipy_received_bytes_total", (here,)] == 100
    assert found["pipy_sent_bytes_total", (here,)] == 200
    assert [found["pipy_http_requests_total", (here, ("code", f"{digit}xx"))] for digit in range(1, 6)] == [0, 3, 0, 3, 0]
    assert found["pipy_http_request_duration_seconds_count", (here,)] == 0


def test_the_form_of_the_original():
    family = inbound_family({"80@h": Counter(["a", "a", "b"]), "81@h": Counter()})
    assert family.plain
    assert list(family.samples) == [
        ("", (), 3),
        ("", (("listen", "80@h"),), 3),
        ("", (("listen", "80@h"), ("peer", "a")), 2),
        ("", (("listen", "80@h"), ("peer", "b")), 1),
        ("", (("listen", "81@h"),), 0),
    ]


def test_peers_beyond_the_limit_are_in_the_sum_only():
    peers = {str(number): 1 for number in range(MAX_PEERS)} | {"large": 2}
    total, largest, *others = by_label("peer", peers)
    assert total == ("", (), MAX_PEERS + 2)
    assert largest == ("", (("peer", "large"),), 2)
    assert len(others) == MAX_PEERS - 1
