import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipy_plugins import netmask
from tests.engine import by_engine


@pytest.fixture(scope="module")
def script(script_of):
    return script_of(netmask)


FIELDS = ["base", "mask", "bitmask", "hostmask", "broadcast", "first", "last", "size"]


@pytest.mark.parametrize(
    ("cidr", "fields"),
    [
        ("10.1.0.0/16", ["10.1.0.0", "255.255.0.0", 16, "0.0.255.255", "10.1.255.255", "10.1.0.1", "10.1.255.254", 65536]),
        ("10.1.2.3/16", ["10.1.0.0", "255.255.0.0", 16, "0.0.255.255", "10.1.255.255", "10.1.0.1", "10.1.255.254", 65536]),
        ("192.168.1.0/30", ["192.168.1.0", "255.255.255.252", 30, "0.0.0.3", "192.168.1.3", "192.168.1.1", "192.168.1.2", 4]),
        ("192.168.0.7", ["192.168.0.7", "255.255.255.255", 32, "0.0.0.0", "192.168.0.7", "192.168.0.7", "192.168.0.7", 1]),
        ("1.2.3.4/0", ["0.0.0.0", "0.0.0.0", 0, "255.255.255.255", "255.255.255.255", "0.0.0.1", "255.255.255.254", 2**32]),
        ("200.2.3.4/1", ["128.0.0.0", "128.0.0.0", 1, "127.255.255.255", "255.255.255.255", "128.0.0.1", "255.255.255.254", 2**31]),
    ],
)
def test_fields(script, cidr, fields):
    assert script("((mask) => fields.map((name) => mask[name]))(new Netmask(cidr))", cidr=cidr, fields=FIELDS) == fields


ADDRESSES = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))


@given(
    address=ADDRESSES,
    bits=st.integers(0, 32),
    others=st.lists(ADDRESSES, max_size=5),
    near=st.lists(st.integers(-300, 300), max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_contains_what_it_should(script, address, bits, others, near):
    network = ipaddress.IPv4Network(f"{address}/{bits}", strict=False)
    close = [str(ipaddress.IPv4Address(min(max(0, int(ipaddress.IPv4Address(address)) + step), 2**32 - 1))) for step in near]
    edges = [str(network.network_address), str(network.broadcast_address)]
    asked = [*others, *close, *edges]
    answers = script("((mask) => asked.map((one) => mask.contains(one)))(new Netmask(cidr))", cidr=f"{address}/{bits}", asked=asked)
    assert answers == [ipaddress.IPv4Address(one) in network for one in asked]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not an ip",
        "10.1.2",
        "10.1.2.3.4",
        "10.1.2.256",
        "10..2.3",
        "10.1.2.",
        ".1.2.3",
        "10.1.2.03",
        " 10.1.2.3",
        "::1",
        "::ffff:10.1.2.3",
        None,
        5,
    ],
)
def test_what_is_no_address_is_not_contained(script, text):
    assert script("new Netmask('0.0.0.0/0').contains(text)", text=text) is False


@pytest.mark.parametrize(
    "cidr",
    [
        "",
        "x",
        "10.1.0.0/",
        "10.1.0.0/33",
        "10.1.0.0/-1",
        "10.1.0.0/08",
        "10.1.0.256/8",
        "10.1/16",
        "::1/64",
        "1.2.3.4/8/8",
        "01.2.3.4",
    ],
)
def test_what_is_no_block(script, cidr):
    with pytest.raises(Exception, match="Error: invalid CIDR notation"):
        script("new Netmask(cidr)", cidr=cidr)


def test_wrong_arguments(script):
    with pytest.raises(Exception, match="TypeError: argument #1 expects a string"):
        script("new Netmask()")


@pytest.mark.parametrize(
    ("cidr", "addresses"),
    [
        ("192.168.7.4/30", ["192.168.7.5", "192.168.7.6", "", ""]),
        ("192.168.7.6/30", ["192.168.7.5", "192.168.7.6", "", ""]),
        ("192.168.7.4/31", ["", ""]),
        ("192.168.7.4/32", ["", ""]),
        ("255.255.255.255", ["", ""]),
        ("0.0.0.0/0", ["0.0.0.1", "0.0.0.2"]),
        ("10.0.0.255/23", [*[f"10.0.0.{number}" for number in range(1, 256)], "10.0.1.0"]),
    ],
)
def test_next_counts_through_the_hosts(script, cidr, addresses):
    answers = script(
        "((mask) => Array.from({ length: count }, () => mask.next()))(new Netmask(cidr))", cidr=cidr, count=len(addresses)
    )
    assert answers == addresses


def test_is_read_only(script):
    with pytest.raises(
        Exception,
        match=by_engine(v8="TypeError: Cannot assign to read only property 'base'", quickjs="TypeError: 'base' is read-only"),
    ):
        script("new Netmask('10.0.0.0/8').base = '0.0.0.0'")
