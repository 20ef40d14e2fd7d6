"""The page about MQTT names what there is, and its script is the one that is tested."""

import re
from pathlib import Path

from pipy_plugins.mqtt.packets import NUMBERS
from pipy_plugins.mqtt.properties import TABLE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mqtt.md").read_text("utf-8")


def section(title):
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_script_is_that_of_the_example():
    example = ROOT / "pipy_plugins" / "mqtt" / "examples" / "decodeMQTT.js"
    assert re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)[1] == example.read_text("utf-8")


def test_every_packet_has_a_row():
    rows = [line.split("|")[1] for line in section("Heads").splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(NUMBERS)


def test_every_property_has_its_type():
    types = {"flag": "0 or 1", "text": "a string", "binary": "Data"}
    rows = dict(re.findall(r"^\| (0 or 1|a number|a string|Data) \| (.*) \|$", section("Properties"), re.MULTILINE))
    named = {name: kind for kind, names in rows.items() for name in re.findall(r"`(\w+)`", names)}
    assert named == {each.name: types.get(each.type, "a number") for each in TABLE}
