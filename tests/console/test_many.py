"""Pages of a large installation read the rows they show: the database pages, counts and prices the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import event, insert, text

from api.app import create_app
from energy.registry import Node, Notice, Registry, Role, User
from energy.registry.alarm_tables import NoticeRow
from energy.registry.database import Database
from energy.registry.decision_tables import CorrectionRow, FindingRow, TargetRow
from energy.storage.embedded import EmbeddedStore
from tests.console.forms import text_of
from tests.serving import serving

NOW = 1_750_000_000  # 2025-06-15
N_HOUSES = 20
N_FINDINGS = 20_000
MOST_ROWS = 600
"""Of all questions of one page together: its 50 rows, counts by institution and state, accounts, the ledger."""


@dataclass
class Crowd:
    """A browser of an administrator, and how many rows SQLite has handed over."""

    browser: httpx.Client
    database: Database
    n_rows: int = 0


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    home = tmp_path_factory.mktemp("many")
    database = Database(f"sqlite:///{home / 'registry.db'}")
    Registry.open(f"sqlite:///{home / 'registry.db'}", migrate=True).close()
    registry = Registry(database)
    fill(registry, database)
    store = EmbeddedStore(home, writes_readings=True)
    app = create_app(registry, store, zone="Asia/Shanghai", home=home, clock=lambda: NOW)
    with serving(app) as url, httpx.Client(base_url=url, follow_redirects=True, timeout=60) as browser:
        browser.headers["Accept"] = "text/html"
        browser.get(f"/enter/{registry.accounts.one_time_link('admin', now=NOW)}").raise_for_status()
        found = Crowd(browser, database)
        count_rows(found)
        yield found
    store.close()
    registry.close()


def fill(registry: Registry, database: Database) -> None:
    """Twenty institutions with a thousand findings each, and as many corrections, notices and targets as fit."""
    houses = [f"h{k:02d}" for k in range(N_HOUSES)]
    registry.import_sheets(
        {
            "regions": [{"code": "990000", "name_zh": "省"}],
            "institutions": [{"id": h, "name_zh": f"单位{h}", "region": "990000", "type": "01"} for h in houses],
            "meters": [{"id": f"{h}-m", "institution": h, "category": "electricity", "unit": "kWh"} for h in houses],
        }
    )
    registry.accounts.add(User("admin", Role.ADMINISTRATOR, Node()), now=NOW)
    with database.writing() as connection:
        connection.execute(insert(FindingRow), [finding(k, houses[k % N_HOUSES]) for k in range(N_FINDINGS)])
        connection.execute(insert(CorrectionRow), [correction(k, houses[k % N_HOUSES]) for k in range(5_000)])
        connection.execute(insert(NoticeRow), [notice(k, houses[k % N_HOUSES]) for k in range(5_000)])
        connection.execute(insert(TargetRow), [target(k, houses[k % N_HOUSES]) for k in range(2_000)])


def finding(k: int, house: str) -> dict[str, Any]:
    told = {"title_zh": "夜间用电偏高", "title_en": "High use at night", "text_zh": "", "text_en": ""}
    return told | {
        "id": f"f{k:05d}", "institution": house, "meter": f"{house}-m" if k % 2 else None, "kind": "night_base",
        "start": NOW - 60 * k, "severity": k / 2 if k % 3 else 0.0,
        "excess": 10.0, "unit": "kWh", "evidence": "x" * 500, "comment": "",
        "excess_yuan": None if k % 3 == 0 else float(k), "state": "open" if k % 4 else "closed", "assignee": "",
    }  # fmt: skip


def correction(k: int, house: str) -> dict[str, Any]:
    return {
        "meter": f"{house}-m", "start": k, "kind": "discard", "time": k, "end": k + 1, "author": "x", "reason": "y",
        "state": "proposed" if k < 120 else "active", "approved_by": "",
    }  # fmt: skip


def notice(k: int, house: str) -> dict[str, Any]:
    severity = "critical" if k == 77 else "info"
    row = Notice(f"n{k}", f"c{k}", "finding", "institution", house, severity, NOW - k, "通知", "", "", "")
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def target(k: int, house: str) -> dict[str, Any]:
    return {
        "scope": "institution", "id": house, "year": 2025, "indicator": f"i{k // N_HOUSES}", "caliber": "physical",
        "state": "issued", "value": 1.0, "unit": "", "document": "x", "file": "", "rule": "", "approved_by": "",
        "note": "",
    }  # fmt: skip


def count_rows(crowd: Crowd) -> None:
    """Count every row that SQLite hands to this process from now on."""

    def counted(_cursor: object, row: tuple[object, ...]) -> tuple[object, ...]:
        crowd.n_rows += 1
        return row

    @event.listens_for(crowd.database.engine, "checkout")
    def _count(connection: Any, _record: object, _proxy: object) -> None:
        connection.row_factory = counted


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/findings", "15000 条"),
        ("/findings?part=200", "下一页"),
        ("/findings?q=夜间 h07", "单位h07"),
        ("/", "15000"),
        ("/places", "单位h07"),
        ("/institutions/h07", "夜间用电偏高"),
        ("/corrections", "待审批 120"),
        ("/corrections?state=active&part=3", "生效 4880"),
        ("/alarms", " 5000 "),
        ("/targets?year=2025", "已下达 2000"),
    ],
)  # fmt: skip
def test_a_page_reads_what_it_shows(crowd: Crowd, path: str, shown: str) -> None:
    crowd.browser.get(path)
    crowd.n_rows = 0
    answer = crowd.browser.get(path)
    assert answer.status_code == 200, answer.text
    assert shown in text_of(answer)
    assert 0 < crowd.n_rows <= MOST_ROWS


def test_the_gravest_notice_and_the_worthiest_finding_lead(crowd: Crowd) -> None:
    notices, findings = (crowd.browser.get(path).text for path in ("/alarms", "/findings"))
    assert notices.index("/alarms/notices/n77/acts") < notices.index("/alarms/notices/n0/acts")
    assert findings.index("/findings/f19999") < findings.index("/findings/f19997")
    assert "/findings/f19998" not in findings  # what it is worth is not known


def test_findings_are_counted_and_priced_by_an_index_alone(crowd: Crowd) -> None:
    for figure in ("count(*)", "sum(CASE WHEN excess_yuan < 0 THEN 0 ELSE excess_yuan END)"):
        question = f"EXPLAIN QUERY PLAN SELECT institution, {figure} FROM findings WHERE state IN ('open') GROUP BY 1"
        with crowd.database.reading() as connection:
            plan = " ".join(str(row[-1]) for row in connection.execute(text(question)))
        assert "COVERING INDEX ix_findings_state_institution_excess_yuan" in plan
