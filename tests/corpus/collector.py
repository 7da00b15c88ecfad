"""The part of the bad-payload corpus that the collector meets: every item with its verdict.

Numbers are those of the corpus in the promises (reliability). A verdict is what becomes of each message: `OK` stored,
`OK!` stored and flagged implausible, `DUP` known already, `P:reason` parked, `IGNORED` for what is no reading. An item
with several messages is sent in order, and each has its verdict.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

T = 1_767_225_600  # 2026-01-01T00:00:00Z
MIB = 1_048_576
PECULIAR = b"jieneng/v1/i1/g4/readings"
"""Of a gateway whose profile names fine times and two values that mean "no value"."""
SENML = b"jieneng/v1/i1/g3/readings"
GOOD = b'{"readings":[{"meter":"e-main","time":1767225600,"value":100}]}'


@dataclass(frozen=True)
class Item:
    number: int
    name: str
    messages: tuple[bytes, ...]
    verdicts: tuple[str, ...]
    topic: bytes = b"jieneng/v1/i1/g1/readings"

    @property
    def title(self) -> str:
        return f"{self.number:03d}-{self.name}"


def item(number: int, name: str, verdict: str, *messages: bytes, topic: bytes | None = None) -> Item:
    verdicts = tuple(verdict.split())
    verdicts = verdicts * len(messages) if len(verdicts) == 1 else verdicts
    assert len(verdicts) == len(messages)
    return Item(number, name, messages, verdicts, topic or b"jieneng/v1/i1/g1/readings")


def reading(value: str = "100", time: str = str(T), meter: str = '"e-main"', extra: str = "") -> bytes:
    """A message with one reading, from JSON text."""
    return f'{{"readings":[{{"meter":{meter},"time":{time},"value":{value}{extra}}}]}}'.encode()


def structure() -> Iterator[Item]:
    yield item(1, "empty", "P:empty", b"")
    yield item(2, "open-brace", "P:bad_json", b"{")
    yield item(3, "cut-literal", "P:bad_json", b"nul")
    for number, text in ((4, b"[]"), (5, b'"str"'), (6, b"42"), (7, b"null")):
        yield item(number, "no-object", "P:not_object", text)
    yield item(8, "deep-list", "P:too_deep", b"[" * 100_000)
    yield item(9, "deep-object", "P:too_deep", b'{"a":' * 100_000)
    keys = b",".join(b'"k%d":1' % n for n in range(20_000))
    yield item(10, "many-keys", "P:too_many_fields", b"{" + keys + b"}")
    yield item(10, "a-million-keys", "P:oversize", b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}")
    yield item(11, "many-readings", "P:too_many_readings", b'{"readings":[' + b",".join([b"{}"] * 10_001) + b"]}")
    columns = {"times": list(range(101)), "values": {f"m{n}": [1.0] * 101 for n in range(100)}}
    yield item(11, "many-in-columns", "P:too_many_readings", json.dumps(columns, separators=(",", ":")).encode())
    yield item(11, "a-million-readings", "P:oversize", b'{"readings":[' + b"{}," * 1_000_000 + b"{}]}")
    yield item(12, "value-twice", "P:duplicate_key", reading(extra=',"value":200'))
    yield item(12, "value-twice-spaced", "P:duplicate_key", reading(extra=', "value" : 200'))
    yield item(12, "meter-twice-escaped", "P:duplicate_key", reading(extra=',"m\\u0065ter":"e-side"'))
    yield item(12, "readings-twice", "P:duplicate_key", b'{"readings":[],"readings":[]}')
    yield item(12, "column-twice", "P:duplicate_key", b'{"times":[1767225600],"values":{"e-main":[1],"e-main":[2]}}')
    yield item(
        13, "required-key-in-capitals", "P:type", b'{"readings":[{"Meter":"e-main","time":1767225600,"value":1}]}'
    )
    yield item(13, "full-width-unit-key", "OK", reading(extra=',"\uff4b\uff57\uff48":1'.encode().decode()))
    yield item(14, "trailing-garbage", "P:bad_json", GOOD + b"x")
    yield item(15, "two-objects", "P:bad_json", GOOD + GOOD)
    yield item(15, "two-objects-with-comma", "P:bad_json", GOOD + b"," + GOOD)
    yield item(16, "json-lines", "P:bad_json", GOOD + b"\n" + GOOD)
    yield item(17, "comment", "P:bad_json", b"/* x */" + GOOD)
    yield item(17, "single-quotes", "P:bad_json", GOOD.replace(b'"', b"'"))
    yield item(17, "trailing-comma", "P:bad_json", b'{"readings":[],}')
    yield item(18, "byte-order-mark", "OK", b"\xef\xbb\xbf" + GOOD)
    yield item(19, "utf-16", "P:bad_encoding", GOOD.decode().encode("utf-16"))
    yield item(19, "utf-16-without-mark", "P:bad_encoding", GOOD.decode().encode("utf-16-le"))
    yield item(19, "utf-32", "P:bad_encoding", GOOD.decode().encode("utf-32"))
    yield item(20, "gbk-names", "P:bad_encoding", '{"readings":[{"meter":"电表"}]}'.encode("gbk"))
    for name in ("__proto__", "__class__", "constructor"):
        yield item(21, f"key-{name.strip('_')}", "OK", reading(extra=f',"{name}":{{"a":1}}'))
    yield item(22, "long-text", "P:oversize", reading(extra=',"note":"' + "x" * MIB + '"'))
    yield item(24, "gzip-bomb", "P:oversize", gzip.compress(b" " * 50_000_000, 9))
    yield item(24, "small-gzip", "P:bad_json", gzip.compress(GOOD))
    yield item(25, "deflate", "P:bad_json", zlib.compress(GOOD))
    yield item(25, "zstd", "P:bad_json", b"\x28\xb5\x2f\xfd\x24\x02\x11\x00\x00{}\xa1\xb2")
    yield item(26, "protobuf", "P:bad_json", b"\x0a\x06e-main\x10\x80\xbd\xe4\xca\x06")
    yield item(26, "cbor", "P:bad_json", b"\xa1hreadings\x81\xa2emetere-main")
    yield item(26, "ber", "P:bad_json", b"\x30\x82\x01\x0a\x02\x82\x01")


def numbers() -> Iterator[Item]:
    for number, text in ((27, "NaN"), (28, "Infinity"), (29, "-Infinity"), (30, "1e999"), (30, "-1e999")):
        yield item(number, f"value-{text}", "P:not_finite", reading(text))
    yield item(31, "tiny", "OK", reading("1e-999"))
    yield item(31, "minus-zero", "OK", reading("-0.0"))
    yield item(32, "5000-digits", "P:out_of_range", reading("9" * 5000))
    yield item(32, "4300-digits", "P:out_of_range", reading("9" * 4300))
    yield item(33, "beyond-2-53", "P:out_of_range", reading("9007199254740993"))
    yield item(34, "beyond-int64", "P:out_of_range", reading("9223372036854775808"))
    yield item(34, "negative-beyond", "P:out_of_range", reading("-9223372036854775809"))
    texts = ((35, "12.3"), (36, "1_000"), (37, " 12 "), (38, "\uff11\uff12"), (39, "\u0661\u0662\u0663"), (40, "12,5"),
             (41, "1,234.5"), (42, "0x10"), (43, "1.2.3"), (44, "12kWh"))  # fmt: skip
    for number, text in texts:
        yield item(number, f"text-{number}", "P:type", reading(f'"{text}"'))
    for number, text in ((45, "true"), (46, "null"), (47, "[1]"), (48, "{}")):
        yield item(number, f"value-{text}", "P:type", reading(text))
    yield item(46, "null-in-columns", "IGNORED", b'{"times":[1767225600],"values":{"e-main":[null]}}')
    yield item(49, "integer-then-float", "OK", reading("1"), reading("1.0", str(T + 900)))
    yield item(49, "integer-and-float-are-equal", "OK DUP", reading("1"), reading("1.0"))
    yield item(50, "negative-register", "P:implausible", reading("-1"))
    for value in ("99999999", "4294967295", "65535", "32767"):
        yield item(51, f"all-nines-{value}", "OK", reading(value, meter='"e-side"'))
    for value in ("65535", "4294967295.0"):
        yield item(51, f"named-by-the-profile-{value}", "P:sentinel", reading(value), topic=PECULIAR)
    yield item(51, "not-named-by-the-profile", "OK", reading("32767"), topic=PECULIAR)
    yield item(52, "sum-of-tenths", "OK", reading("0.30000000000000004"))
    yield item(52, "thirty-digits", "OK DUP", *[reading("1234.123456789012345678901234567890")] * 2)
    yield item(53, "thousand-fold", "OK OK!", reading("100"), reading("100000", str(T + 900)))
    yield item(54, "ratio-twice", "OK OK!", reading("100"), reading("1000000", str(T + 900)))
    yield item(54, "amount-too-large", "OK!", reading("31", meter='"a-main"'))
    yield item(54, "amount-just-believable", "OK", reading("29.9", meter='"a-main"'))
    yield item(56, "gigajoules-said", "OK", reading("3.6", extra=',"unit":"GJ"'))
    yield item(57, "litres-said", "OK", reading("1000", meter='"w-main"', extra=',"unit":"L"'))
    yield item(57, "litres-for-energy", "P:bad_unit", reading("1000", extra=',"unit":"L"'))
    yield item(58, "unit-nobody-knows", "P:bad_unit", reading("1", extra=',"unit":"tce"'))
    yield item(59, "power-of-ten-ratings", "OK!", reading("121", meter='"p-main"'))
    yield item(60, "arctic-sensor", "OK!", reading("-273", meter='"t-out"'))
    yield item(61, "cold-day", "OK", reading("-35.5", meter='"t-out"'))
    yield item(61, "unit-that-is-no-text", "P:type", reading(extra=',"unit":5'))


def times() -> Iterator[Item]:
    yield item(62, "seconds", "OK", reading())
    for number, text in ((63, "1767225600000"), (64, "1767225600000000"), (65, "1767225600000000000")):
        yield item(number, f"finer-than-seconds-{number}", "P:time_unit", reading(time=text))
        yield item(number, f"finer-by-profile-{number}", "OK DUP", reading(time=text), reading(), topic=PECULIAR)
    yield item(66, "epoch", "P:clock_past", reading(time="0"))
    yield item(67, "negative", "P:clock_past", reading(time="-1"))
    yield item(68, "year-2000", "P:clock_past", reading(time='"2000-01-01T00:00:00Z"'))
    yield item(68, "year-1999", "P:clock_past", reading(time='"1999-11-30T00:00:00+08:00"'))
    for number, text in ((69, "2038-01-19T03:14:08Z"), (70, "2106-02-07T06:28:16Z"), (71, "9999-12-31T23:59:59Z")):
        yield item(number, f"future-{text[:4]}", "P:clock_future", reading(time=f'"{text}"'))
    bad = {
        72: "20260101", 73: "2026-01-01T24:00:00+08:00", 74: "2026-02-30T00:00:00Z", 75: "2026-01-01T23:59:60Z",
        76: "2026-01-01T00:00:00", 78: "2026-01-01T00:00:00+08", 79: "2026-01-01T00:00:00+99:00",
        80: "2026-01-01T00:00:00 CST",
    }  # fmt: skip
    for number, text in bad.items():
        yield item(number, f"bad-time-{number}", "P:bad_time", reading(time=f'"{text}"'))
    for name, text in (("week", "2026-W01-1T00:00:00Z"), ("compact", "20260101T000000Z"), ("words", "yesterday"),
                       ("nothing", ""), ("arabic", "\u0662\u0660\u0662\u0666-01-01T00:00:00Z")):  # fmt: skip
        yield item(72, f"time-{name}", "P:bad_time", reading(time=f'"{text}"'))
    same = (reading(time='"2026-01-01T08:00:00+08:00"'), reading(time='"2026-01-01T00:00:00Z"'), reading())
    yield item(77, "one-instant-three-ways", "OK DUP DUP", *same)
    yield item(82, "fraction-rounded-down", "OK DUP", reading(time="1767225600.999"), reading())
    yield item(82, "fraction-in-text", "OK DUP", reading(time='"2026-01-01T00:00:00.999Z"'), reading())
    yield item(83, "seconds-as-text", "P:type", reading(time='"1767225600"'))
    for number, text in ((84, "[2026,1,1]"), (84, "true"), (84, "null"), (84, "{}")):
        yield item(number, f"time-{text}", "P:type", reading(time=text))
    yield item(84, "time-missing", "P:type", b'{"readings":[{"meter":"e-main","value":1}]}')
    yield item(84, "time-nan", "P:bad_time", reading(time="NaN"))
    yield item(84, "time-huge", "P:time_unit", reading(time="1e300"))
    yield item(85, "conflict", "OK P:conflict", reading("100"), reading("101"))
    yield item(86, "duplicate", "OK DUP", reading(), reading())
    yield item(87, "clock-back-an-hour", "OK OK P:conflict", reading(), reading("101", str(T + 3600)), reading("102"))
    stuck = tuple(reading(str(100 + n)) for n in range(4))
    yield item(88, "stuck-clock", "OK P:conflict P:conflict P:conflict", *stuck)


def strings() -> Iterator[Item]:
    ids = {
        89: '"\\u0000"', 90: '"\\ud800"', 92: '"a\u202eb"', 93: '"a\u200bb"', 94: '"\u0430-main"',
        95: '"e' + "\u0301" * 10_000 + '"', 96: '"\\u001b[2J"', 97: '"a\\r\\nb"', 98: '"<script>"', 99: '"{{7*7}}"',
        100: '"${jndi:ldap://x}"', 101: '"%n%s"', 102: '""', 103: '"' + "x" * 70_000 + '"',
        124: '"a\\nm,dev=EVIL v=666 1"',
    }  # fmt: skip
    for number, text in ids.items():
        yield item(number, f"id-{number}", "P:bad_id", reading(meter=text))
    for text in ("CON", ".", "..", "../../etc/passwd", "..%2f", "C:\\\\x"):
        yield item(104, f"id-{text[:4]}", "P:bad_id", reading(meter=f'"{text}"'))
    for text in ("a b", "a,b", "a=b", 'a\\"b', "a\\\\", "a\\n", "a\\t", "#c"):
        yield item(125, f"id-{text}", "P:bad_id", reading(meter=f'"{text}"'))
    yield item(91, "invalid-utf-8-id", "P:bad_encoding", b'{"readings":[{"meter":"\xff\xfe","time":1,"value":1}]}')
    yield item(91, "invalid-utf-8-unknown-field", "P:bad_encoding", GOOD[:-1] + b',"x":"\xff"}')
    yield item(102, "id-number", "P:type", reading(meter="5"))
    yield item(102, "id-missing", "P:type", b'{"readings":[{"time":1767225600,"value":1}]}')
    yield item(191, "unknown-device", "P:unknown_device", reading(meter='"nobody"'))


def topics() -> Iterator[Item]:
    bad = {
        105: b"jieneng/v1/i1/g/1/readings", 106: b"jieneng/v1/+/g1/readings", 107: b"jieneng/v1/#",
        108: b"$SYS/x", 109: b"$share/g/t", 110: b"jieneng/v1/i1//readings", 111: b"/jieneng/v1/i1/g1/readings",
        112: b"x" * 65_535, 113: b"jieneng/v1/i1/\xff\xfe/readings", 114: b"jieneng/v1/i1/g\x001/readings",
    }  # fmt: skip
    for number, topic in bad.items():
        yield item(number, f"topic-{number}", "P:bad_topic", GOOD, topic=topic)
    yield item(110, "unknown-channel", "P:bad_topic", GOOD, topic=b"jieneng/v1/i1/g1/commands")
    yield item(115, "retained-again", "OK DUP DUP", GOOD, GOOD, GOOD)
    yield item(192, "topic-of-another-institution", "P:identity_mismatch", GOOD, topic=b"jieneng/v1/i2/g1/readings")
    yield item(193, "gateway-nobody-knows", "P:unknown_device", GOOD, topic=b"jieneng/v1/i1/g9/readings")
    yield item(194, "status-is-no-reading", "IGNORED", b'{"online":true}', topic=b"jieneng/v1/i1/g1/status")
    yield item(194, "status-in-ruins", "IGNORED", b"{{{", topic=b"jieneng/v1/i1/g1/status")


def shapes() -> Iterator[Item]:
    yield item(195, "no-readings", "IGNORED", b'{"readings":[]}')
    yield item(195, "readings-null", "P:type", b'{"readings":null}')
    yield item(195, "readings-object", "P:type", b'{"readings":{}}')
    yield item(195, "reading-no-object", "P:type", b'{"readings":[5]}')
    yield item(195, "nothing-we-know", "P:type", b"{}")
    yield item(195, "both-forms", "P:type", b'{"readings":[],"times":[],"values":{}}')
    yield item(195, "times-without-values", "P:type", b'{"times":[1767225600]}')
    yield item(195, "column-too-short", "P:type", b'{"times":[1767225600,1767226500],"values":{"e-main":[1]}}')
    yield item(195, "column-no-list", "P:type", b'{"times":[1767225600],"values":{"e-main":5}}')
    yield item(195, "column-with-text", "P:type", b'{"times":[1767225600],"values":{"e-main":["5"]}}')
    yield item(195, "column-with-bad-time", "P:bad_time", b'{"times":["now"],"values":{"e-main":[5]}}')
    yield item(196, "seq-as-text", "OK", GOOD[:-1] + b',"seq":"17"}')
    yield item(196, "seq-true", "OK", GOOD[:-1] + b',"seq":true}')
    yield item(196, "seq-huge", "OK", GOOD[:-1] + b',"seq":99999999999999999999999999}')
    yield item(196, "seq-negative", "OK", GOOD[:-1] + b',"seq":-5}')
    yield item(196, "unit-null", "OK", reading(extra=',"unit":null'))


def senml() -> Iterator[Item]:
    name = '"bn":"urn:dev:ow:10e2073a01080063:"'
    packs = {
        "one-record": ("OK", f'[{{{name},"n":"energy","t":{T},"v":100,"u":"kWh"}}]'),
        "other-unit": ("OK", f'[{{{name},"n":"energy","t":{T},"v":1e5,"u":"Wh"}}]'),
        "own-list-form": ("OK", GOOD.decode().replace("e-main", "urn.dev.ow.10e2073a01080063.energy")),
        "only-base": ("IGNORED", f'[{{{name},"bt":{T}}}]'),
        "nothing": ("IGNORED", "[]"),
        "no-list": ("P:type", "5"),
        "record-no-object": ("P:type", "[5]"),
        "text-value": ("P:type", f'[{{{name},"n":"energy","t":{T},"vs":"open"}}]'),
        "only-a-sum": ("P:type", f'[{{{name},"n":"energy","t":{T},"s":12}}]'),
        "value-as-text": ("P:type", f'[{{{name},"n":"energy","t":{T},"v":"100"}}]'),
        "value-infinite": ("P:not_finite", f'[{{{name},"n":"energy","t":{T},"v":1e999}}]'),
        "time-left-out": ("P:bad_time", f'[{{{name},"n":"energy","v":100}}]'),
        "time-relative": ("P:bad_time", f'[{{{name},"n":"energy","t":-900,"v":100}}]'),
        "time-as-text": ("P:type", f'[{{{name},"n":"energy","t":"2026-01-01T00:00:00Z","v":100}}]'),
        "base-time-as-text": ("P:type", f'[{{{name},"bt":"now","n":"energy","v":100}}]'),
        "base-name-number": ("P:type", f'[{{"bn":5,"n":"energy","t":{T},"v":100}}]'),
        "name-number": ("P:type", f'[{{"n":5,"t":{T},"v":100}}]'),
        "name-with-blank": ("P:bad_id", f'[{{"n":"a b","t":{T},"v":100}}]'),
        "newer-version": ("P:type", f'[{{{name},"bver":11,"n":"energy","t":{T},"v":100}}]'),
        "field-that-must-be-understood": ("P:type", f'[{{{name},"n":"energy","t":{T},"v":100,"x_":1}}]'),
        "value-twice": ("P:duplicate_key", f'[{{{name},"n":"energy","t":{T},"v":100,"v":200}}]'),
        "too-many": ("P:too_many_readings", "[" + ",".join(["{}"] * 10_001) + "]"),
        "deep": ("P:too_deep", "[" * 100_000),
    }
    for title, (verdict, text) in packs.items():
        yield item(197, f"senml-{title}", verdict, text.encode(), topic=SENML)


def items() -> list[Item]:
    """Every item."""
    return [entry for part in (structure, numbers, times, strings, topics, shapes, senml) for entry in part()]
