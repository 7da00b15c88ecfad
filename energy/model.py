"""Institution, building, meter, reading: frozen values that cannot hold nonsense."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

ID_PATTERN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RESERVED_IDS = {"CON", "PRN", "AUX", "NUL", ".", ".."}


def is_id(text: str) -> bool:
    """True for an id the platform accepts: ASCII letters, digits, `_.-`, 1 to 64 long, no reserved name."""
    return ID_PATTERN.fullmatch(text) is not None and text.upper() not in _RESERVED_IDS


def require_id(text: str, what: str) -> str:
    """The id itself, or ValueError naming what it should identify."""
    if not is_id(text):
        raise ValueError(f"{what} id {text!r}: expected 1 to 64 of A-Z a-z 0-9 _ . -")
    return text


class Category(StrEnum):
    """Energy category 分类 (住建部 guide 2008); official codes are in the registry and `energy.reference`."""

    ELECTRICITY = "electricity"
    WATER = "water"
    GAS = "gas"
    HEAT = "heat"
    COOLING = "cooling"
    OTHER = "other"
    COAL = "coal"
    LPG = "lpg"
    GASOLINE = "gasoline"
    DIESEL = "diesel"


class Scope(StrEnum):
    """What a total or indicator speaks of."""

    METER = "meter"
    BUILDING = "building"
    INSTITUTION = "institution"
    REGION = "region"


class ValueKind(StrEnum):
    """What a meter's value means."""

    REGISTER = "register"  # cumulative display, only rises
    MEASUREMENT = "measurement"  # an instant: power, temperature
    AMOUNT = "amount"  # of an interval that ends at the reading's time


class MeterKind(StrEnum):
    """Where a meter's values come from."""

    PHYSICAL = "physical"
    MANUAL = "manual"
    VIRTUAL = "virtual"


class UsedBy(StrEnum):
    """Who uses what a meter measures."""

    SELF = "self"
    OTHERS = "others"  # a shop let, a pile that charges others' vehicles: none of the institution's use


class Flag(IntEnum):
    """Quality of one stored reading (`reading.flag`)."""

    NONE = 0
    IMPLAUSIBLE = 1
    QOS0 = 2
    CONFIRMED = 3


class CostNote(IntEnum):
    """Why a cost is only a bound, or not known; the greatest of its parts is that of a sum."""

    NONE = 0
    DEMAND_FROM_LONGER_MEANS = 1  # at least: demand was metered in hours, or not in all of its quarter hours
    STEP_BOUND = 2  # at least: unknown use may have reached a dearer step
    NO_TARIFF = 3
    NO_CALORIFIC_VALUE = 4
    NO_DEMAND = 5
    NO_CAPACITY = 6
    STEP_UNKNOWN = 7
    HOLIDAYS_NOT_PUBLISHED = 8  # the price differs between kinds of day, and nobody knows yet which one it is

    @property
    def word(self) -> str:
        """Its name at borders."""
        return self.name.lower()

    @property
    def is_bound(self) -> bool:
        """Whether there is a cost, and it is at least that."""
        return self in (CostNote.DEMAND_FROM_LONGER_MEANS, CostNote.STEP_BOUND)


class State(IntEnum):
    """State of one interval (`interval.state`)."""

    MEASURED = 0
    ESTIMATED = 1
    CORRECTED = 2
    SPREAD = 3  # inside a long gap: no amount, the period's total is still exact


class Reason(StrEnum):
    """Why a reading or message was parked."""

    EMPTY = "empty"
    BAD_JSON = "bad_json"
    NOT_OBJECT = "not_object"
    TOO_DEEP = "too_deep"
    TOO_MANY_FIELDS = "too_many_fields"
    TOO_MANY_READINGS = "too_many_readings"
    DUPLICATE_KEY = "duplicate_key"
    BAD_ENCODING = "bad_encoding"
    OVERSIZE = "oversize"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    TYPE = "type"
    IMPLAUSIBLE = "implausible"
    SENTINEL = "sentinel"
    TIME_UNIT = "time_unit"
    CLOCK_PAST = "clock_past"
    CLOCK_FUTURE = "clock_future"
    BAD_TIME = "bad_time"
    CONFLICT = "conflict"
    BAD_ID = "bad_id"
    BAD_TOPIC = "bad_topic"
    TOO_LATE = "too_late"
    UNKNOWN_DEVICE = "unknown_device"
    IDENTITY_MISMATCH = "identity_mismatch"
    BAD_UNIT = "bad_unit"
    STORE_REFUSED = "store_refused"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one meter at one instant.

    `time` is UTC epoch seconds, the end of the metering interval; `value` is in the meter's unit.
    """

    meter: str
    time: int
    value: float
    flag: Flag = Flag.NONE
    received: int = 0

    def __post_init__(self) -> None:
        require_id(self.meter, "meter")
        if not math.isfinite(self.value):
            raise ValueError(f"meter {self.meter}: value must be finite, got {self.value}")


@dataclass(frozen=True, slots=True)
class Meter:
    """A metering device as the way of a reading and the analytics need it (a row of the registry, resolved)."""

    id: str
    institution: str
    category: Category
    unit: str
    building: str | None = None
    gateway: str | None = None
    local: str | None = None
    item: str = ""  # end-use code (domain: A, B1, ...); empty = not labelled, counts as the whole
    kind: MeterKind = MeterKind.PHYSICAL
    value_kind: ValueKind = ValueKind.REGISTER
    digits: int | None = None  # register width: wraps at 10**digits (in display units)
    ratio: float = 1.0  # CT x PT: primary = display x ratio
    rated_kw: float | None = None
    interval_s: int = 900  # how often a reading is expected
    parent: str | None = None
    quantity: str = "energy"  # "energy" | "temperature" | "humidity" | "occupancy" | "power" | ...
    formula: str | None = None  # virtual meters: "m1 + m2 - m3"
    place: str | None = None  # sensors: what they speak of, "building:b1", "site:s1" or "region:990101"
    used_by: UsedBy = UsedBy.SELF
    active_from: date | None = None
    active_to: date | None = None

    def __post_init__(self) -> None:
        require_id(self.id, "meter")
        require_id(self.institution, "institution")
        if not (math.isfinite(self.ratio) and self.ratio > 0):
            raise ValueError(f"meter {self.id}: ratio must be positive, got {self.ratio}")
        if self.interval_s <= 0:
            raise ValueError(f"meter {self.id}: interval_s must be positive, got {self.interval_s}")
        if self.digits is not None and not 1 <= self.digits <= 12:
            raise ValueError(f"meter {self.id}: digits must be 1 to 12, got {self.digits}")
        if self.parent == self.id:
            raise ValueError(f"meter {self.id}: is its own parent")


@dataclass(frozen=True, slots=True)
class Swap:
    """A meter exchange: the old register ended at `old_end`, the new one began at `new_start`."""

    meter: str
    time: int
    old_end: float | None
    new_start: float
    old_ratio: float = 1.0
    new_ratio: float = 1.0
