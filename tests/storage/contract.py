"""What both stores promise: one suite, run by `test_embedded.py` and `test_influx.py` with their own `store`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from energy.errors import StorageRejected
from energy.model import Flag, Reading
from energy.series import Readings, Table
from energy.storage.base import Store
from energy.storage.schema import DIRECTORY_TIME, MEASUREMENTS

T0 = 1_767_225_600  # 2026-01-01 00:00 UTC
HOUR = 3600
DAY = 86_400
YEAR = 365 * DAY
NAN = float("nan")


def reading(meter: str, time: int, value: float, flag: Flag = Flag.NONE, received: int | None = None) -> Reading:
    return Reading(meter, time, value, flag, time + 3 if received is None else received)


def table(measurement: str, rows: Sequence[Mapping[str, object]]) -> Table:
    """A table from rows that name tags, fields and `time`; what a row leaves out is unknown."""
    schema = MEASUREMENTS[measurement]

    def numbers(name: str) -> np.ndarray:
        return np.array([row.get(name, NAN) for row in rows], np.float64)

    def texts(name: str) -> np.ndarray:
        column = np.empty(len(rows), np.object_)
        column[:] = [row.get(name) for row in rows]
        return column

    return Table(
        measurement,
        np.array([row["time"] for row in rows], np.int64),
        {tag: texts(tag) for tag in schema.tags},
        {name: numbers(name) for name in schema.fields} | {name: texts(name) for name in schema.texts},
    )


def total(id_: str, time: int, amount: float, **more: object) -> dict[str, object]:
    tags = {"scope": "institution", "id": id_, "period": "day", "category": "electricity", "item": "all"}
    return {**tags, "time": time, "amount": amount, **more}


def rows(found: Table, *columns: str) -> list[tuple[object, ...]]:
    arrays = [found.time, *(found.tags.get(name, found.fields.get(name)) for name in columns)]
    return list(zip(*(array.tolist() for array in arrays if array is not None), strict=True))


class ReadingContract:
    """Raw readings in and out."""

    def test_readings_come_back_with_value_flag_and_time_of_arrival(self, store: Store) -> None:
        store.write_readings(
            Readings.of(
                [
                    reading("b", T0, 7.25),
                    reading("a", T0 + HOUR, 12.125, Flag.IMPLAUSIBLE, T0 + 99),
                    reading("a", T0, 0.1),
                ]
            )
        )
        found = store.readings(["a", "b", "nobody"], T0, T0 + DAY)
        assert list(found) == ["a", "b", "nobody"]
        assert_array_equal(found["a"].time, [T0, T0 + HOUR])
        assert_array_equal(found["a"].value, [0.1, 12.125])
        assert_array_equal(found["a"].flag, [0, 1])
        assert_array_equal(found["a"].received, [T0 + 3, T0 + 99])
        assert_array_equal(found["b"].value, [7.25])
        assert len(found["nobody"]) == 0

    def test_no_readings_may_be_written(self, store: Store) -> None:
        store.write_readings(Readings.empty())
        assert store.readings([], T0, T0 + DAY) == {}

    @pytest.mark.parametrize(
        "value", [0.0, -40.5, 1e-9, 0.1 + 0.2, 123456789.123456, 1e15, 1.7976931348623157e308, 5e-324]
    )
    def test_values_keep_their_last_bit(self, store: Store, value: float) -> None:
        store.write_readings(Readings.of([reading("a", T0, value), reading("a", T0 + 1, 1.0)]))
        assert store.readings(["a"], T0, T0 + 1)["a"].value[0] == value

    def test_windows_are_half_open(self, store: Store) -> None:
        store.write_readings(Readings.of([reading("a", T0 + hour * HOUR, hour) for hour in range(4)]))
        assert_array_equal(store.readings(["a"], T0 + HOUR, T0 + 3 * HOUR)["a"].value, [1, 2])
        assert len(store.readings(["a"], T0 + HOUR, T0 + HOUR)["a"]) == 0
        assert_array_equal(store.matrix(["a"], T0 + HOUR, T0 + 3 * HOUR, HOUR).values, [[1, 2]])

    def test_the_same_reading_twice_has_the_effect_of_once(self, store: Store) -> None:
        same = Readings.of([reading("a", T0, 5.0), reading("a", T0 + HOUR, 6.0)])
        store.write_readings(same)
        store.write_readings(same)
        assert_array_equal(store.readings(["a"], T0, T0 + DAY)["a"].value, [5, 6])
        assert_array_equal(store.matrix(["a"], T0, T0 + 2 * HOUR, HOUR).values, [[5, 6]])

    def test_backfill_of_many_years_is_found_in_order(self, store: Store) -> None:
        store.write_readings(Readings.of([reading("a", T0, 50.0)]))
        store.write_readings(Readings.of([reading("a", T0 - year * YEAR, 50.0 - year) for year in range(1, 10)]))
        found = store.readings(["a"], T0 - 20 * YEAR, T0 + DAY)["a"]
        assert_array_equal(found.value, [41, 42, 43, 44, 45, 46, 47, 48, 49, 50])

    def test_latest_and_earliest(self, store: Store) -> None:
        store.write_readings(Readings.of([reading("a", T0 + day * DAY, day) for day in (0, 40, 90)]))
        store.write_readings(Readings.of([reading("b", T0 + 5, 8.0)]))
        assert store.latest(["a", "b", "c"]) == {"a": (T0 + 90 * DAY, 90.0), "b": (T0 + 5, 8.0)}
        assert store.latest(["a"], before=T0 + 90 * DAY) == {"a": (T0 + 40 * DAY, 40.0)}
        assert store.latest(["a"], before=T0) == {}
        assert store.earliest_after(["a", "b"], T0 + 1) == {"a": (T0 + 40 * DAY, 40.0), "b": (T0 + 5, 8.0)}
        assert store.earliest_after(["a"], T0 + 40 * DAY) == {"a": (T0 + 40 * DAY, 40.0)}
        assert store.earliest_after(["a"], T0 + 91 * DAY) == {}

    def test_values_at_answers_pairs(self, store: Store) -> None:
        store.write_readings(Readings.of([reading("a", T0 + day * DAY, day) for day in range(0, 400, 7)]))
        store.write_readings(Readings.of([reading("b", T0 + DAY, 100.0)]))
        times = np.array([T0 + 7 * DAY, T0 + DAY, T0 + 8 * DAY, T0 + 392 * DAY, T0], np.int64)
        found = store.values_at(["a", "b", "a", "a", "unknown"], times)
        assert_array_equal(found, [7, 100, NAN, 392, NAN])
        assert len(store.values_at([], np.zeros(0, np.int64))) == 0

    def test_a_matrix_holds_only_what_lies_on_its_grid(self, store: Store) -> None:
        store.write_readings(
            Readings.of(
                [
                    reading("a", T0, 1.0),
                    reading("a", T0 + 900, 9.0),
                    reading("a", T0 + 2 * HOUR, 3.0),
                    reading("b", T0 + HOUR, 5.0),
                ]
            )
        )
        found = store.matrix(["b", "nobody", "a"], T0, T0 + 3 * HOUR, HOUR)
        assert found.meters == ("b", "nobody", "a")
        assert_array_equal(found.values, [[NAN, 5, NAN], [NAN, NAN, NAN], [1, NAN, 3]])
        assert_array_equal(store.matrix(["a"], T0 + 60, T0 + 60 + HOUR, HOUR).values, [[NAN]])
        assert store.matrix(["a"], T0, T0, HOUR).values.shape == (1, 0)

    def test_a_value_that_is_no_number_is_refused(self, store: Store) -> None:
        good = Readings.of([reading("a", T0, 1.0)])
        bad = Readings(good.meters, good.index, good.time, np.array([NAN]), good.flag, good.received)
        with pytest.raises(StorageRejected, match="meter a"):
            store.write_readings(bad)

    def test_check_passes(self, store: Store) -> None:
        store.check()


class ResultContract:
    """Computed results in and out, without ghosts."""

    WHERE: Mapping[str, Sequence[str]] = {"scope": ["institution"], "id": ["i1"]}

    def replace(self, store: Store, new: Sequence[Mapping[str, object]], **window: int) -> tuple[int, int]:
        span = {"start": T0, "end": T0 + 30 * DAY} | window
        return store.replace(table("total", new), where=self.WHERE, **span)

    def found(self, store: Store, *columns: str) -> list[tuple[object, ...]]:
        return rows(store.results("total", where=self.WHERE, start=T0 - YEAR, end=T0 + YEAR), *columns)

    def test_rows_come_back_complete_and_ordered(self, store: Store) -> None:
        self.replace(store, [total("i1", T0 + DAY, 2.0, coverage=0.5), total("i1", T0, 1.0)])
        store.replace(table("total", [total("i0", T0, 9.0)]), where={"id": ["i0"]}, start=T0 - DAY, end=T0 + DAY)
        found = store.results("total", where={"id": ["i1", "i0"]}, start=T0, end=T0 + 30 * DAY)
        assert rows(found, "id", "amount") == [(T0, "i0", 9.0), (T0, "i1", 1.0), (T0 + DAY, "i1", 2.0)]
        assert_array_equal(found.fields["coverage"], [NAN, NAN, 0.5])
        assert list(found.fields) == list(MEASUREMENTS["total"].all_fields)
        assert list(found.tags) == list(MEASUREMENTS["total"].tags)

    def test_nothing_is_an_empty_table(self, store: Store) -> None:
        found = store.results("finding", where={"institution": ["i9"]}, start=T0, end=T0 + DAY)
        assert len(found) == 0
        assert list(found.fields) == list(MEASUREMENTS["finding"].all_fields)
        assert self.replace(store, []) == (0, 0)

    def test_only_the_fields_asked_for_come(self, store: Store) -> None:
        self.replace(store, [total("i1", T0, 1.0, coverage=1.0), total("i1", T0 + DAY, NAN, coverage=0.0)])
        found = store.results("total", where=self.WHERE, start=T0, end=T0 + DAY * 2, fields=["amount"])
        assert list(found.fields) == ["amount"]
        assert rows(found, "amount") == [(T0, 1.0)]

    def test_results_are_bounded_in_time(self, store: Store) -> None:
        self.replace(store, [total("i1", T0 + day * DAY, day) for day in range(5)])
        found = store.results("total", where=self.WHERE, start=T0 + DAY, end=T0 + 3 * DAY)
        assert_array_equal(found.fields["amount"], [1, 2])
        assert len(store.results("total", where=self.WHERE, start=T0 + DAY, end=T0 + DAY)) == 0

    def test_a_window_far_beyond_all_time_holds_each_row_once(self, store: Store) -> None:
        """Not the rows of one series under the name of another."""
        store.replace(table("total", [total("a", T0, 1.0), total("b", T0, 2.0)]), where={}, start=T0, end=T0 + DAY)
        far = 1 << 50
        assert rows(store.results("total", where={}, start=-far, end=far), "id", "amount") == [
            (T0, "a", 1.0), (T0, "b", 2.0),
        ]  # fmt: skip
        assert store.replace(table("total", []), where={"id": ["a"]}, start=-far, end=far) == (0, 1)
        assert rows(store.results("total", where={}, start=-far, end=far), "id") == [(T0, "b")]

    def test_replacing_by_the_same_writes_nothing(self, store: Store) -> None:
        new = [total("i1", T0, 1.0), total("i1", T0 + DAY, 0.1 + 0.2, coverage=1.0)]
        assert self.replace(store, new) == (2, 0)
        assert self.replace(store, new) == (0, 0)
        assert self.replace(store, [new[0], total("i1", T0 + DAY, 7.0, coverage=1.0)]) == (1, 0)
        assert self.found(store, "amount") == [(T0, 1.0), (T0 + DAY, 7.0)]

    def test_a_value_that_became_unknown_is_gone(self, store: Store) -> None:
        self.replace(store, [total("i1", T0 + day * DAY, 1.0 + day, coverage=1.0) for day in range(3)])
        new = [total("i1", T0, 1.0, coverage=1.0), total("i1", T0 + DAY, NAN, coverage=0.25)]
        assert self.replace(store, [*new, total("i1", T0 + 2 * DAY, 3.0, coverage=1.0)]) == (1, 0)
        found = store.results("total", where=self.WHERE, start=T0, end=T0 + DAY * 30)
        assert_array_equal(found.fields["amount"], [1, NAN, 3])
        assert_array_equal(found.fields["coverage"], [1, 0.25, 1])

    def test_a_row_without_any_known_value_is_no_row(self, store: Store) -> None:
        self.replace(store, [total("i1", T0, 1.0)])
        assert self.replace(store, [total("i1", T0, NAN)]) == (0, 1)
        assert self.found(store, "amount") == []

    def test_a_replaced_window_leaves_its_neighbours(self, store: Store) -> None:
        self.replace(store, [total("i1", T0 + day * DAY, day) for day in range(6)])
        moved = [total("i1", T0 + 3 * DAY, 33.0)]
        assert self.replace(store, moved, start=T0 + 2 * DAY, end=T0 + 4 * DAY) == (1, 1)
        assert self.found(store, "amount") == [
            (T0, 0.0), (T0 + DAY, 1.0), (T0 + 3 * DAY, 33.0), (T0 + 4 * DAY, 4.0), (T0 + 5 * DAY, 5.0),
        ]  # fmt: skip

    def test_other_tag_values_are_left_alone(self, store: Store) -> None:
        where = {"scope": ["institution"], "id": ["i2"], "category": ["water"]}
        other = [total("i2", T0, 1.0), total("i2", T0, 2.0, category="water")]
        store.replace(table("total", other), where={"id": ["i2"]}, start=T0, end=T0 + DAY)
        self.replace(store, [total("i1", T0, 5.0)])
        assert store.replace(table("total", []), where=where, start=T0, end=T0 + DAY) == (0, 1)
        found = store.results("total", where={"scope": ["institution"]}, start=T0, end=T0 + DAY)
        assert rows(found, "id", "category") == [(T0, "i1", "electricity"), (T0, "i2", "electricity")]

    def test_an_event_that_moves_leaves_no_ghost(self, store: Store) -> None:
        where = {"institution": ["i1"]}
        event = {"institution": "i1", "meter": "m1", "kind": "gap", "id": "f1", "severity": 2.0, "title_en": "Gap"}
        span = {"start": T0, "end": T0 + 30 * DAY}
        store.replace(table("finding", [{**event, "time": T0 + HOUR}]), where=where, **span)
        assert store.replace(table("finding", [{**event, "time": T0 + 2 * HOUR}]), where=where, **span) == (1, 1)
        found = store.results("finding", where=where, **span)
        assert rows(found, "meter", "id", "title_en", "title_zh") == [(T0 + 2 * HOUR, "m1", "f1", "Gap", None)]

    def test_an_institution_that_moves_keeps_one_row(self, store: Store) -> None:
        span = {"start": DIRECTORY_TIME, "end": DIRECTORY_TIME + 1}
        here = {"scope": "institution", "id": "i1", "time": DIRECTORY_TIME, "name_zh": "示例市第一人民医院"}
        where = {"scope": ["institution"]}
        store.replace(table("directory", [{**here, "parent": "990101", "tier": "三级"}]), where=where, **span)
        store.replace(table("directory", [{**here, "parent": "990102"}]), where=where, **span)
        found = store.results("directory", where=where, **span)
        assert rows(found, "parent", "name_zh", "tier") == [(DIRECTORY_TIME, "990102", "示例市第一人民医院", None)]

    def test_a_series_that_vanished_is_gone(self, store: Store) -> None:
        self.replace(store, [total("i1", T0, 1.0), total("i1", T0, 2.0, item="A")])
        assert self.replace(store, [total("i1", T0, 1.0)]) == (0, 1)
        assert self.found(store, "item", "amount") == [(T0, "all", 1.0)]
        self.replace(store, [total("i1", T0, 1.0), total("i1", T0, 3.0, item="A")])
        assert self.found(store, "item", "amount") == [(T0, "A", 3.0), (T0, "all", 1.0)]

    def test_many_intervals_come_back(self, store: Store) -> None:
        n = 3 * 31 * 96
        amount = np.round(np.arange(n) * 0.37 % 11, 3)
        amount[100:200] = np.nan
        new = Table(
            "interval",
            T0 + 900 * np.arange(n),
            {"meter": np.full(n, "m1", np.object_), "resolution": np.full(n, "15min", np.object_)},
            {"amount": amount, "state": np.zeros(n)},
        )
        span = {"start": T0, "end": T0 + 900 * n}
        assert store.replace(new, where={"meter": ["m1"]}, **span) == (n, 0)
        found = store.results("interval", where={"meter": ["m1"], "resolution": ["15min"]}, **span)
        assert_array_equal(found.time, new.time)
        assert_array_equal(found.fields["amount"], amount)
        assert_array_equal(found.fields["state"], np.zeros(n))
        assert np.all(np.isnan(found.fields["expected"]))

    @pytest.mark.parametrize(
        "text",
        [
            "plain",
            " spaces  and, commas = signs ",
            "quotes \"double\" 'single'",
            "back\\slash, two \\\\ and at the end \\",
            "line\nbreak\r\nand\ttab",
            "用电异常：夜间负荷偏高 ⚡ é 😀",
            "true",
            "12.5",
            "# not a comment",
        ],
    )
    def test_texts_come_back_to_the_letter(self, store: Store, text: str) -> None:
        row = {"institution": "i1", "meter": "m1", "kind": "gap", "time": T0, "text_zh": text, "severity": 1.0}
        span = {"where": {"institution": ["i1"]}, "start": T0, "end": T0 + 1}
        store.replace(table("finding", [row]), **span)
        assert store.results("finding", **span).fields["text_zh"].tolist() == [text]

    def test_an_empty_text_is_an_unknown_text(self, store: Store) -> None:
        span = {"where": {"institution": ["i1"]}, "start": T0, "end": T0 + 1}
        row = {"institution": "i1", "meter": "m1", "kind": "gap", "time": T0, "text_zh": "", "severity": 1.0}
        assert store.replace(table("finding", [row]), **span) == (1, 0)
        assert store.results("finding", **span).fields["text_zh"].tolist() == [None]
        assert store.replace(table("finding", [row]), **span) == (0, 0)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (total("i1", T0 - 1, 1.0), "outside the window"),
            (total("i2", T0, 1.0), "outside `where`"),
            (total("i1", T0, 1.0, item=""), "item is empty"),
            (total("i1", T0, 1.0, item=None), "item is empty"),
            (total("i1", T0, float("inf")), "infinite"),
        ],
    )
    def test_a_row_that_cannot_be_right_is_refused(self, store: Store, row: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            self.replace(store, [row])
        assert self.found(store) == []

    def test_two_rows_with_the_same_key_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="same time"):
            self.replace(store, [total("i1", T0, 1.0), total("i1", T0, 2.0)])

    def test_names_unknown_to_the_schema_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="no tag"):
            store.results("total", where={"meter": ["m1"]}, start=T0, end=T0 + 1)
        with pytest.raises(ValueError, match="no field"):
            store.results("total", where={}, start=T0, end=T0 + 1, fields=["value"])
        with pytest.raises(ValueError, match="measurement"):
            store.results("totals", where={}, start=T0, end=T0 + 1)
        with pytest.raises(ValueError, match="several values"):
            store.results("total", where={"id": "i1"}, start=T0, end=T0 + 1)
