"""The front door: all that a plugin may import from Pipy. What is not here is not for plugins."""

from time import monotonic

from pipy_core.context import UNDEFINED, Context, Function, Group, Guard, Identity, ScriptDict, ScriptList
from pipy_core.counters import Figure, Tally
from pipy_core.errors import ArgumentError, ProtocolError, ScriptError
from pipy_core.events import (
    END,
    EOS,
    FLUSH,
    Data,
    Event,
    Failure,
    Head,
    Message,
    MessageEnd,
    MessageStart,
    StreamEnd,
    encode_json,
)
from pipy_core.figures import Family, Sample
from pipy_core.filter import Branch, Clock, Emit, Filter, Host, Make, Target, Timer, Valve, ignore
from pipy_core.hookspecs import hookimpl
from pipy_core.joint import Joint
from pipy_core.kinds import (
    ANY,
    ARRAY,
    BOOLEAN,
    DATA,
    DURATION,
    EVENT,
    FUNCTION,
    MESSAGE,
    NUMBER,
    OBJECT,
    PIPELINE,
    SIZE,
    STRING,
    Kind,
    Number,
    OneOf,
    Pipeline,
    absent,
    describe,
    dynamic,
)
from pipy_core.kit import units
from pipy_core.kit.access import Entry, formatter, redacted
from pipy_core.kit.address import parse_target
from pipy_core.kit.body import Backlog, Body, too_large
from pipy_core.kit.codings import accepted_codings, choose_coding, content_codings, text_of_field
from pipy_core.kit.first_words import FirstWords
from pipy_core.kit.gate import Gate
from pipy_core.kit.keys import Certificate, CertificateChain, PrivateKey, PublicKey
from pipy_core.kit.native import Native
from pipy_core.kit.pressure import press, relieve
from pipy_core.kit.results import NOT_AN_EVENT, expand
from pipy_core.kit.sessions import Session, Sessions, key_of
from pipy_core.limits import Limits
from pipy_core.logs import get_logger, write_line, write_plain
from pipy_core.pages import Ask, Instance, Page, Pages, reply
from pipy_core.params import Options, Param, options
from pipy_core.pipeline import deliver
from pipy_core.registry import Registry

__all__ = [
    "ANY",
    "ARRAY",
    "BOOLEAN",
    "DATA",
    "DURATION",
    "END",
    "EOS",
    "EVENT",
    "FLUSH",
    "FUNCTION",
    "MESSAGE",
    "NOT_AN_EVENT",
    "NUMBER",
    "OBJECT",
    "PIPELINE",
    "SIZE",
    "STRING",
    "UNDEFINED",
    "ArgumentError",
    "Ask",
    "Backlog",
    "Body",
    "Branch",
    "Certificate",
    "CertificateChain",
    "Clock",
    "Context",
    "Data",
    "Emit",
    "Entry",
    "Event",
    "Failure",
    "Family",
    "Figure",
    "Filter",
    "FirstWords",
    "Function",
    "Gate",
    "Group",
    "Guard",
    "Head",
    "Host",
    "Identity",
    "Instance",
    "Joint",
    "Kind",
    "Limits",
    "Make",
    "Message",
    "MessageEnd",
    "MessageStart",
    "Native",
    "Number",
    "OneOf",
    "Options",
    "Page",
    "Pages",
    "Param",
    "Pipeline",
    "PrivateKey",
    "ProtocolError",
    "PublicKey",
    "Registry",
    "Sample",
    "ScriptDict",
    "ScriptError",
    "ScriptList",
    "Session",
    "Sessions",
    "StreamEnd",
    "Tally",
    "Target",
    "Timer",
    "Valve",
    "absent",
    "accepted_codings",
    "choose_coding",
    "content_codings",
    "deliver",
    "describe",
    "dynamic",
    "encode_json",
    "expand",
    "formatter",
    "get_logger",
    "hookimpl",
    "ignore",
    "key_of",
    "monotonic",
    "options",
    "parse_target",
    "press",
    "redacted",
    "relieve",
    "reply",
    "text_of_field",
    "too_large",
    "units",
    "write_line",
    "write_plain",
]
