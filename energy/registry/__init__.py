"""Who and where, in SQL: institutions, buildings, gateways, meters and what people state about them."""

from energy.registry.accounts import Accounts, Node, Role, User
from energy.registry.alarms import AlarmRule, Alarms, Notice, NoticeEvent, OutMessage, Subscription
from energy.registry.breakdowns import Subject, Version
from energy.registry.credentials import is_secret_of
from energy.registry.decisions import (
    ApprovedQuota,
    Bill,
    CalorificValue,
    Correction,
    Finding,
    FindingEvent,
    HeatingSeason,
    Run,
    Stage,
    Target,
    TargetRule,
    Tariff,
    TariffUse,
)
from energy.registry.fitted import FittedModel
from energy.registry.importing import ImportResult
from energy.registry.registry import Registry
from energy.registry.reporting import Publication, PublicationNote, Reporting, SurveyEntry
from energy.registry.rows import (
    Building,
    CalendarSpan,
    Denominator,
    Department,
    Gateway,
    Institution,
    Region,
    Site,
)
from energy.registry.sessions import Session, Sessions
from energy.registry.snapshot import Snapshot
from energy.registry.spreadsheet import read_sheets, write_sheets
from energy.registry.tasks import Task, TaskCounts, TaskEvent, TaskFile, Tasks
from energy.registry.tokens import ApiToken, Tokens
from energy.registry.touched import Spans, Touched, merged

__all__ = [
    "Accounts",
    "AlarmRule",
    "Alarms",
    "ApiToken",
    "ApprovedQuota",
    "Bill",
    "Building",
    "CalendarSpan",
    "CalorificValue",
    "Correction",
    "Denominator",
    "Department",
    "Finding",
    "FindingEvent",
    "FittedModel",
    "Gateway",
    "HeatingSeason",
    "ImportResult",
    "Institution",
    "Node",
    "Notice",
    "NoticeEvent",
    "OutMessage",
    "Publication",
    "PublicationNote",
    "Region",
    "Registry",
    "Reporting",
    "Role",
    "Run",
    "Session",
    "Sessions",
    "Site",
    "Snapshot",
    "Spans",
    "Stage",
    "Subject",
    "Subscription",
    "SurveyEntry",
    "Target",
    "TargetRule",
    "Tariff",
    "TariffUse",
    "Task",
    "TaskCounts",
    "TaskEvent",
    "TaskFile",
    "Tasks",
    "Tokens",
    "Touched",
    "User",
    "Version",
    "is_secret_of",
    "merged",
    "read_sheets",
    "write_sheets",
]
