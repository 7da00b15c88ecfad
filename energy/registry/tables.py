"""The registry's tables: who and where. Columns bear the names of the sheets' columns.

Nothing here is special to one database. Instants are UTC epoch seconds; a foreign key is judged at commit, so that
rows of one import may name each other in any order.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ALWAYS = date(1, 1, 1)
"""`valid_from` of a row that holds since ever: a part of a primary key cannot be NULL."""

Id = Annotated[str, mapped_column(String(64))]
Key = Annotated[str, mapped_column(String(64), primary_key=True)]
Serial = Annotated[
    int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
]


class Base(DeclarativeBase):
    """Names of constraints are fixed, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, int: BigInteger, float: Double, date: Date, bytes: LargeBinary}  # noqa: RUF012


def refers(target: str, **how: Any) -> Mapped[Any]:
    """A column that names the row of another table."""
    return mapped_column(String(64), ForeignKey(target, deferrable=True, initially="DEFERRED"), **how)


class RevisionRow(Base):
    """One row: counters that rise. Writers lock it first, which puts them in a line."""

    __tablename__ = "revision"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    touched_epoch: Mapped[int]


class RegionRow(Base):
    """A region by its GB/T 2260 code."""

    __tablename__ = "regions"
    code: Mapped[Key]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    parent: Mapped[str | None] = refers("regions.code")
    climate_zone: Mapped[str | None]


class InstitutionRow(Base):
    """A public institution."""

    __tablename__ = "institutions"
    id: Mapped[Key]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    region: Mapped[str] = refers("regions.code", index=True)
    parent: Mapped[str | None] = refers("institutions.id")
    type: Mapped[str]
    department: Mapped[str | None]
    credit_code: Mapped[str | None]
    tier: Mapped[str | None]
    quota_class: Mapped[str | None]
    climate_zone: Mapped[str | None]


class DepartmentRow(Base):
    """The department an institution answers to, dated."""

    __tablename__ = "departments"
    institution: Mapped[str] = refers("institutions.id", primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    department: Mapped[str]


class SiteRow(Base):
    """A site with its time zone."""

    __tablename__ = "sites"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id")
    name_zh: Mapped[str]
    name_en: Mapped[str]
    timezone: Mapped[str]


class BuildingRow(Base):
    """A building."""

    __tablename__ = "buildings"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id")
    site: Mapped[str | None] = refers("sites.id")
    name_zh: Mapped[str]
    name_en: Mapped[str]
    letter: Mapped[str | None]


class GatewayRow(Base):
    """A gateway; of its credential only the SHA-256 is kept."""

    __tablename__ = "gateways"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id")
    name_zh: Mapped[str]
    name_en: Mapped[str]
    profile: Mapped[str]
    secret_sha256: Mapped[str | None]


class MeterRow(Base):
    """A meter."""

    __tablename__ = "meters"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id", index=True)
    building: Mapped[str | None] = refers("buildings.id")
    gateway: Mapped[str | None] = refers("gateways.id")
    local: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    category: Mapped[str]
    item: Mapped[str]
    kind: Mapped[str]
    value_kind: Mapped[str]
    unit: Mapped[str]
    digits: Mapped[int | None]
    ct_ratio: Mapped[float]
    pt_ratio: Mapped[float]
    rated_kw: Mapped[float | None]
    interval_s: Mapped[int]
    parent: Mapped[str | None] = refers("meters.id")
    formula: Mapped[str | None]
    used_by: Mapped[str]
    active_from: Mapped[date | None]
    active_to: Mapped[date | None]


class SensorRow(Base):
    """A sensor of temperature, humidity, occupancy ...; its id is unique among meters and sensors together."""

    __tablename__ = "sensors"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id", index=True)
    gateway: Mapped[str | None] = refers("gateways.id")
    local: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    quantity: Mapped[str]
    unit: Mapped[str]
    interval_s: Mapped[int]
    place: Mapped[str]


class SwapRow(Base):
    """A meter exchange."""

    __tablename__ = "swaps"
    meter: Mapped[str] = refers("meters.id", primary_key=True)
    time: Mapped[int] = mapped_column(primary_key=True)
    old_end: Mapped[float | None]
    new_start: Mapped[float]
    old_ratio: Mapped[float | None]
    new_ratio: Mapped[float | None]
    note: Mapped[str]


class DenominatorRow(Base):
    """A denominator of a building, institution or region, dated."""

    __tablename__ = "denominators"
    scope: Mapped[Key]
    id: Mapped[Key]
    kind: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    value: Mapped[float]
    unit: Mapped[str]
    note: Mapped[str]


class CalendarRow(Base):
    """A span of an institution's own calendar."""

    __tablename__ = "calendars"
    institution: Mapped[str] = refers("institutions.id", primary_key=True)
    date_from: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[Key]
    date_to: Mapped[date]
    name: Mapped[str]


class TouchedRow(Base):
    """Spans of many meters that have to be computed again, as one blob; written often, gone after the jobs ran."""

    __tablename__ = "touched"
    id: Mapped[Serial]
    epoch: Mapped[int] = mapped_column(index=True)
    marks: Mapped[int]
    data: Mapped[bytes]


class ModelRow(Base):
    """A fitted profile or model: never changed, the next one gets the next version."""

    __tablename__ = "models"
    subject: Mapped[Key]
    kind: Mapped[Key]
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start: Mapped[int]
    end: Mapped[int]
    payload: Mapped[bytes]
    __table_args__ = (Index(None, "kind", "subject"),)
