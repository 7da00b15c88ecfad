"""Registers with faults where chance says: what the rules of registers are judged on besides the recorded ones.

A register sums up a building's recorded use and shows it with a few digits. `LABELLED` are the kinds of fault of the
recorded registers; `OTHERS` are kinds that they have none of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.registers import Verdict
from energy.intervals import HOUR
from energy.series import BoolArray, FloatArray, IntArray

APART = 72
"""Honest readings between two faults."""


@dataclass(frozen=True, slots=True)
class RegisterFault:
    """What was put in: kind, instants of the first and last reading it touches."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """Readings of one register in time order, its width, and what is wrong with it."""

    name: str
    time: IntArray
    value: FloatArray
    digits: int
    faults: tuple[RegisterFault, ...]


@dataclass(slots=True, eq=False)
class _Display:
    """What a register shows, and which of its readings arrive, while faults are put in."""

    value: FloatArray
    capacity: float
    arrives: BoolArray
    twice: BoolArray

    def copy(self) -> _Display:
        return _Display(self.value.copy(), self.capacity, self.arrives.copy(), self.twice.copy())

    def shows_as(self, other: _Display) -> bool:
        """True if the same readings arrive."""
        return all(
            np.array_equal(a, b)
            for a, b in ((self.value, other.value), (self.arrives, other.arrives), (self.twice, other.twice))
        )

    def add(self, first: int, amount: float) -> None:
        """Let the display stand higher from a reading on, through its end."""
        self.value[first:] = np.round((self.value[first:] + amount) % self.capacity, 1)


Change = Callable[[_Display, int, int, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class RegisterRule:
    """A kind of fault: readings it lasts, the verdict that names it, and what it does to readings first .. last."""

    shortest: int
    longest: int
    verdict: Verdict
    change: Change


def low(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    display.value[first : last + 1] = np.round(display.value[first : last + 1] * generator.uniform(0, 0.5), 1)


def high(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    raised = display.value[first : last + 1] * generator.uniform(1.5, 5)
    display.value[first : last + 1] = np.round(np.minimum(raised, display.capacity - 1), 1)


def zero(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    display.value[first : last + 1] = 0.0


def swap_digits(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    """Exchange two neighbouring digits, where that changes more than the use of two hours."""
    shown, rest = f"{int(display.value[first]):d}", round(float(display.value[first] % 1), 1)
    swapped = [float(shown[:i] + shown[i + 1] + shown[i] + shown[i + 2 :]) + rest for i in range(len(shown) - 1)]
    plain = [v for v in swapped if abs(v - display.value[first]) > display.value[first + 1] - display.value[first - 1]]
    if plain:
        display.value[first] = generator.choice(plain)


def exchange(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    """Another device from the last reading on, nearly new."""
    display.add(last, generator.uniform(0, 1000) - display.value[last])


def roll_over(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    """The last reading is the first one past the end of the display."""
    use = float(display.value[last] - display.value[last - 1])
    display.value[:] = np.round((display.value - display.value[last] + generator.uniform(0, 0.9) * use), 1)
    display.value[:] = np.round(display.value % display.capacity, 1)


def hold(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    display.value[first : last + 1] = display.value[first - 1]


def lose(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    display.arrives[first : last + 1] = False


def repeat(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
    display.twice[first] = True


def without(change: Change) -> Change:
    """The readings before the one that a change falls on do not arrive."""

    def in_gap(display: _Display, first: int, last: int, generator: np.random.Generator) -> None:
        change(display, first, last, generator)
        display.arrives[first:last] = False

    return in_gap


LABELLED: Mapping[str, RegisterRule] = {
    "glitch_low": RegisterRule(1, 1, Verdict.GLITCH, low),
    "glitch_high": RegisterRule(1, 1, Verdict.GLITCH, high),
    "digit_swap": RegisterRule(1, 1, Verdict.GLITCH, swap_digits),
    "meter_exchange": RegisterRule(1, 1, Verdict.EXCHANGE, exchange),
    "rollover": RegisterRule(1, 1, Verdict.ROLLOVER, roll_over),
    "stuck": RegisterRule(7, 60, Verdict.STUCK, hold),
    "gap": RegisterRule(2, 60, Verdict.GAP, lose),
    "duplicate": RegisterRule(1, 1, Verdict.DUPLICATE, repeat),
}
OTHERS: Mapping[str, RegisterRule] = {
    "two_low": RegisterRule(2, 2, Verdict.GLITCH, low),
    "two_high": RegisterRule(2, 2, Verdict.GLITCH, high),
    "zero": RegisterRule(1, 2, Verdict.GLITCH, zero),
    "exchange_in_gap": RegisterRule(3, 60, Verdict.EXCHANGE, without(exchange)),
    "rollover_in_gap": RegisterRule(3, 60, Verdict.ROLLOVER, without(roll_over)),
}


def put_in(
    name: str,
    time: IntArray,
    use: FloatArray,
    rules: Mapping[str, RegisterRule],
    generator: np.random.Generator,
    *,
    rate: float = 6.5,
) -> Register:
    """A register of a building's hourly use [kWh], with a Poisson number (mean `rate`) of faults.

    A register rolls over once at most, first of all faults: to do so, its honest start is moved. One that rolls over is
    not exchanged, because what follows an exchange would no longer roll over where the label says.
    """
    digits = max(int(np.ceil(np.log10(4 * use.sum()))), 5)
    n = len(use)
    shown = np.round(generator.uniform(0, 10.0**digits - use.sum() - 1) + np.cumsum(use), 1)
    display = _Display(shown, 10.0**digits, np.ones(n, np.bool_), np.zeros(n, np.bool_))
    kinds = [str(kind) for kind in generator.choice(list(rules), generator.poisson(rate))]
    rolls = [kind for kind in kinds if rules[kind].verdict is Verdict.ROLLOVER][:1]
    apart = {Verdict.ROLLOVER, Verdict.EXCHANGE} if rolls else set[Verdict]()
    places: list[tuple[str, int, int]] = []
    for kind in rolls + [kind for kind in kinds if rules[kind].verdict not in apart]:
        length = int(generator.integers(rules[kind].shortest, rules[kind].longest + 1))
        first = _free_place(length, places, use, generator)
        if first is not None:
            places.append((kind, first, first + length - 1))
    faults: list[RegisterFault] = []
    # A roll-over moves the whole display, an exchange all that comes after it.
    for kind, first, last in sorted(places, key=lambda place: (place[0] not in rolls, place[1])):
        before = display.copy()
        rules[kind].change(display, first, last, generator)
        if not display.shows_as(before):  # else it is nothing that anybody could see
            faults.append(RegisterFault(kind, int(time[first]), int(time[last])))
    readings = np.repeat(np.arange(n), display.arrives * (1 + display.twice))
    return Register(name, time[readings], display.value[readings], digits, tuple(faults))


def _free_place(
    length: int, places: Sequence[tuple[str, int, int]], use: FloatArray, generator: np.random.Generator
) -> int | None:
    """A first reading far from the ends and from other faults, at an hour with some use."""
    for _ in range(60):
        first = int(generator.integers(APART, len(use) - length - APART))
        near = any(first <= b + APART and a - APART <= first + length for _, a, b in places)
        if not near and use[first + length - 1] > 0:
            return first
    return None


def hourly_times(first: int, n: int) -> IntArray:
    """Instants at the ends of n hours that begin with `first`."""
    return first + HOUR * np.arange(1, n + 1, dtype=np.int64)
