"""Every page on a real store and registry: what it shows, to whom, and what its forms do."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import unescape

import httpx
import numpy as np
import pytest
from openpyxl import load_workbook

from analytics.detection.weights import TERMS
from analytics.jobs.peers import QuotaBook
from api.console.figures import Periods
from api.console.words import WORDS
from energy.intervals import DAY
from energy.model import Category
from energy.registry import Finding, Notice, OutMessage
from tests.console.forms import csrf_of, send, text_of
from tests.console.world import FINDING, HOUSE, METER, PASSWORD, World, totals

PAGES = (
    "/",
    "/places",
    "/places?region=990100",
    f"/institutions/{HOUSE}",
    f"/institutions/{HOUSE}?category=water&period=month",
    f"/meters/{METER}",
    "/findings",
    f"/findings/{FINDING}",
    "/tasks",
    f"/tasks/new?finding={FINDING}",
    "/corrections",
    f"/corrections/new?meter={METER}&start=2025-03-04T20:00&end=2025-03-05T06:00",
    "/quality",
    f"/entry?institution={HOUSE}",
    "/ledger",
    "/costs",
    "/targets",
    "/targets/rules",
    "/reports",
    f"/reports?institution={HOUSE}&year=2025",
    "/alarms",
    "/alarms/outbox",
    f"/audits?institution={HOUSE}",
)
Signed = Callable[[str], httpx.Client]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_answers_in_both_languages_without_inline_scripts(
    admin: httpx.Client, path: str, language: str
) -> None:
    answer = admin.get(path, params={**httpx.URL(path).params, "lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
    assert "<script>" not in answer.text
    assert " onclick=" not in answer.text
    assert ">nan<" not in answer.text
    assert "None" not in text_of(answer)
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_the_language_that_was_switched_to_is_remembered(admin: httpx.Client) -> None:
    admin.get("/?lang=en")
    assert "Regions and institutions" in admin.get("/places").text
    admin.get("/?lang=zh")
    assert "区域与单位" in admin.get("/places").text


def test_home_shows_what_needs_me_today_with_unit_period_and_completeness(admin: httpx.Client) -> None:
    shown = text_of(admin.get("/"))
    for part in (
        "非工作时间用能偏高",
        "2,890 元",
        "达到 90 %",
        "预计超指标",
        "kWh",
        "2025-03",
        "数据完整率",
        "应报/实报",
        "失联表计",
    ):
        assert part in shown


def test_the_institution_furthest_over_its_target_comes_first(admin: httpx.Client) -> None:
    shown = text_of(admin.get("/places"))
    body = shown[shown.index("未结异常", shown.index("应报/实报")) :]
    assert body.index("甲州市第一人民医院") < body.index("示例大学") < body.index("甲州市机关事务服务中心")
    assert "118.0 %" in body


def test_a_day_on_the_page_is_the_stored_total(admin: httpx.Client, world: World) -> None:
    stored = totals(world, "institution", "sl-dx", "electricity", date(2025, 2, 20))
    shown = text_of(admin.get("/institutions/sl-dx?category=electricity&period=day"))
    assert f"2025-02-20 {stored:,.0f}" in shown


def test_an_indicator_names_its_caliber_and_standard(admin: httpx.Client) -> None:
    shown = text_of(admin.get(f"/institutions/{HOUSE}"))
    assert "当量值口径(公共机构统计)" in shown
    assert "GB/T 40498-2021" in shown


def test_unknown_is_told_apart_from_zero(admin: httpx.Client) -> None:
    assert '<span class="unknown">未知</span>' in admin.get("/places").text  # there is no year before
    assert "0.0 %" in text_of(admin.get("/quality"))  # nothing estimated is a true zero


def test_an_energy_manager_sees_the_own_institution_only(browser_of: Signed) -> None:
    browser = browser_of("manager")
    assert browser.get(f"/institutions/{HOUSE}").status_code == 200
    for path in ("/institutions/sl-dx", "/meters/sl-dx.b1.e", "/findings/f-water-2", "/places?region=990100"):
        assert browser.get(path).status_code == 404, path
    assert "示例大学" not in browser.get("/places").text
    assert "疑似漏水" not in browser.get("/findings").text


def test_a_viewer_finds_no_forms_and_may_send_none(browser_of: Signed) -> None:
    browser = browser_of("viewer")
    token = csrf_of(browser.get("/"))
    assert browser.get("/entry").status_code == 403
    assert browser.post("/tasks", data={"csrf": token}).status_code in (403, 422)
    assert browser.get("/ledger").status_code == 403


def test_a_form_without_its_token_is_refused(admin: httpx.Client) -> None:
    assert admin.post(f"/findings/{FINDING}/decisions", data={"verdict": "confirmed"}).status_code == 403


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(world: World) -> None:
    answer = httpx.get(f"{world.url}/places", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_finding_is_judged_assigned_and_kept_in_its_history(admin: httpx.Client, world: World) -> None:
    path = "/findings/f-water-2"
    answer = send(admin, path, f"{path}/decisions", verdict="known", assignee="admin", comment="施工用水")
    shown = text_of(answer)
    assert "已知原因" in shown
    assert "施工用水" in shown
    (event,) = world.registry.findings.history("f-water-2")
    assert (event.author, event.verdict, event.assignee) == ("admin", "known", "admin")
    shown = text_of(send(admin, path, f"{path}/decisions", verdict="none"))
    assert "判定已撤回" in shown
    assert "撤回判定" not in shown  # nothing is left to take back
    assert [e.verdict for e in world.registry.findings.history("f-water-2")] == ["known", None]


def test_what_was_used_too_little_stands_by_its_worth_in_the_inbox(admin: httpx.Client, world: World) -> None:
    less = Finding(
        id="f-less-3", institution=HOUSE, meter=METER, kind="scale", start=world.now - DAY, end=world.now,
        severity=9_000.0, certainty=0.9, excess=-15_000.0, unit="kWh", excess_yuan=-10_000.0, title_zh="疑似倍率",
        state="waiting",
    )  # fmt: skip
    world.registry.findings.put([less, replace(less, id="f-less-4", severity=90.0, excess_yuan=100.0)])
    waiting = admin.get("/findings?state=waiting").text
    assert 0 < waiting.index("/findings/f-less-3") < waiting.index("/findings/f-less-4")
    assert "超用金额 100 元" in text_of(admin.get("/findings?state=waiting"))  # what was saved pays for nothing
    for name in ("f-less-3", "f-less-4"):
        world.registry.findings.decide(name, author="admin", time=world.now, state="closed")


def test_a_finding_shows_what_speaks_for_it_how_strongly_and_where_else(admin: httpx.Client) -> None:
    shown = text_of(admin.get(f"/findings/{FINDING}"))
    assert "无人或夜间时段高于上年规律 强 (4.20)" in shown
    assert "单小时偏离平时 弱 (0.90)" in shown
    assert "同一原因也见于" in shown


def test_a_meter_says_what_its_expectation_rests_on_and_that_it_is_not_watched_yet(admin: httpx.Client) -> None:
    shown = text_of(admin.get(f"/meters/{METER}"))
    assert "上一年数据不足一半，逐时用量暂不判定" in shown
    assert "不满一年" in shown


def test_a_meter_of_others_says_why_it_is_not_counted(admin: httpx.Client, world: World) -> None:
    def of(meter: str, language: str = "zh") -> str:
        return text_of(admin.get(f"/meters/{meter}", params={"lang": language}))

    let, behind = f"{METER}-b", f"{METER}-b1"
    assert "用能方 本单位 上级表计" in of(let)
    world.registry.import_sheets({"meters": [{"id": let, "used_by": "others"}]})
    try:
        assert "用能方 他人 他人用能（出租出借区域、对外充电桩等）单独计量，不计入本单位" in of(let)
        assert "用能方 本单位 位于他人用能的表计之后，不计入" in of(behind)
        assert "Used by others Areas let or lent, or public charging, metered separately" in of(let, "en")
        of(let)  # back to Chinese
        house = text_of(admin.get(f"/institutions/{HOUSE}"))
        assert house.count("不计入") == 3 + 2  # it and two behind it, and why
    finally:
        world.registry.import_sheets({"meters": [{"id": let, "used_by": "self"}]})


def test_every_sign_of_the_detector_and_its_rules_has_a_word() -> None:
    rules = ("balance", "room", "sisters")
    assert [name for name in (*TERMS, *rules) if f"sign_{name}" not in WORDS["zh"]] == []


def test_a_task_goes_from_finding_to_proof_to_recheck(browser_of: Signed, world: World) -> None:
    admin, manager = browser_of("admin"), browser_of("manager")
    given = send(
        admin, f"/tasks/new?finding={FINDING}", "/tasks", finding=FINDING, institution=HOUSE, kind="rectify",
        problem="夜间空调未关", responsible="王工", deadline="2025-04-01",
    )  # fmt: skip
    path = given.url.path
    assert "待办理" in text_of(given)
    proof = b"%PDF-1.4 proof"
    sent = manager.post(
        f"{path}/files", data={"csrf": csrf_of(manager.get(path))}, files={"file": ("../../照片 1.pdf", proof)}
    )
    assert "照片 1.pdf" in text_of(sent)
    (file,) = world.registry.tasks.files(path.rsplit("/", 1)[1])
    assert (world.home / "proofs" / file.stored).read_bytes() == proof
    assert manager.get(f"{path}/files/1").content == proof
    send(manager, path, f"{path}/acts", act="submit", text="已加装定时开关")
    assert manager.post(f"{path}/acts", data={"csrf": csrf_of(manager.get(path)), "act": "close"}).status_code == 403
    closed = send(admin, path, f"{path}/acts", act="close", text="复查属实")
    assert "已结" in text_of(closed) or "整改到位" in text_of(closed)
    counts = text_of(admin.get("/tasks?state=all"))
    assert "查摆问题" in counts


def test_a_file_of_another_kind_is_refused(admin: httpx.Client) -> None:
    given = send(
        admin, f"/tasks/new?institution={HOUSE}", "/tasks", institution=HOUSE, kind="explain", problem="超指标",
        responsible="李科", deadline="2025-04-02",
    )  # fmt: skip
    path = given.url.path
    token = csrf_of(given)
    for name, content in (("a.html", b"<script>"), ("a.pdf", b"<script>"), ("a.png", b"")):
        answer = admin.post(f"{path}/files", data={"csrf": token}, files={"file": (name, content)})
        assert answer.status_code == 422, name


def test_a_deadline_in_the_past_is_refused(admin: httpx.Client) -> None:
    answer = send(
        admin,
        "/tasks/new",
        "/tasks",
        institution=HOUSE,
        kind="rectify",
        problem="x",
        responsible="y",
        deadline="2025-03-08",
    )
    assert answer.status_code == 422
    assert "deadline: expected today or later" in text_of(answer)


def test_a_bill_that_looks_wrong_is_taken_only_when_confirmed(admin: httpx.Client, world: World) -> None:
    bill = {"meter": "jz-yy1.bill", "first_day": "2025-02-01", "last_day": "2025-02-28", "amount": 28_000, "unit": "L"}
    asked = send(admin, f"/entry?institution={HOUSE}", "/entry/bills", **bill)
    # 28 000 L in 28 days are 1000 a day; January was 310 L in 31 days, 10 a day.
    assert "日均用量 1,000,上期 10" in text_of(asked)
    assert world.registry.bills.rows(meter="jz-yy1.bill", first_day=date(2025, 2, 1)) == []
    admin.post("/entry/bills", data={"csrf": csrf_of(asked), **bill, "confirmed": "true"})
    assert [b.amount for b in world.registry.bills.rows(meter="jz-yy1.bill", first_day=date(2025, 2, 1))] == [28_000.0]


def test_a_proposed_target_is_issued_with_its_document(admin: httpx.Client, world: World) -> None:
    fields = {
        "scope": "institution",
        "id": "sl-jgsw",
        "year": 2025,
        "indicator": "electricity_per_area",
        "caliber": "physical",
    }
    token = csrf_of(admin.get("/targets"))
    data = {
        "csrf": token,
        **{k: str(v) for k, v in fields.items()},
        "value": "60",
        "document": "示例〔2025〕9号",
        "issued_on": "2025-03-01",
    }
    answer = admin.post("/targets", data=data, files={"file": ("批文.pdf", b"%PDF-1.7")})
    assert "示例〔2025〕9号" in text_of(answer)
    (issued,) = world.registry.targets.rows(id="sl-jgsw", state="issued")
    assert (issued.value, issued.approved_by) == (60.0, "admin")
    paper = admin.get("/targets/institution/sl-jgsw/2025/electricity_per_area/physical/paper")
    assert paper.content == b"%PDF-1.7"


def test_a_workbook_with_problems_lists_them_all_and_changes_nothing(admin: httpx.Client, world: World) -> None:
    sheet = "id,institution,name_zh,letter\nb-new,jz-yy1,新楼,Z\nb-2,nobody,二号楼,A\n"
    token = csrf_of(admin.get("/ledger"))
    answer = admin.post(
        "/ledger", data={"csrf": token, "keep": "true"}, files={"file": ("buildings.csv", sheet.encode())}
    )
    shown = text_of(answer)
    assert answer.status_code == 422
    assert "2 处问题" in shown
    assert "row 2, column letter" in shown
    assert "row 3, column institution" in shown
    assert "b-new" not in world.registry.snapshot().buildings


def test_the_table_of_institutions_leaves_as_a_workbook_with_numbers(admin: httpx.Client, world: World) -> None:
    answer = admin.get("/places.xlsx?region=990100")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    rows = list(sheet.values)
    assert rows[0][:2] == ("编号", "名称")
    hospital = next(row for row in rows if row[0] == HOUSE)
    assert isinstance(hospital[4], float)
    assert hospital[12] == pytest.approx(1.18)


def test_signing_in_and_out_by_the_form(world: World) -> None:
    with httpx.Client(base_url=world.url, headers={"Accept": "text/html"}, follow_redirects=True) as browser:
        wrong = browser.post("/sign-in", data={"name": "nobody", "password": "wrong wrong wrong"})
        assert "用户名或密码不正确" in wrong.text
        inside = browser.post("/sign-in", data={"name": "manager", "password": PASSWORD})
        assert "王工" in inside.text
        browser.post("/sign-out", data={"csrf": csrf_of(inside)})
        assert browser.get("/findings").url.path == "/sign-in"


def test_a_channel_is_subscribed_tested_and_given_up(admin: httpx.Client, world: World) -> None:
    send(admin, "/alarms", "/alarms/subscriptions", channel="email", address="duty@example.org", node="root:")
    (mine,) = [s for s in world.registry.alarms.subscriptions() if s.user == "admin"]
    tested = send(admin, "/alarms", f"/alarms/subscriptions/{mine.id}/test")
    assert "测试消息未送达: alarms.smtp_host is not set" in text_of(tested)
    send(admin, "/alarms", f"/alarms/subscriptions/{mine.id}/remove")
    assert [s for s in world.registry.alarms.subscriptions() if s.user == "admin"] == []


def test_a_target_is_proposed_by_the_institution_s_own_people(browser_of: Signed, world: World) -> None:
    fields = {"id": HOUSE, "year": 2027, "indicator": "electricity_per_area", "caliber": "physical", "value": "88.8"}
    shown = text_of(send(browser_of("manager"), "/targets", "/targets/proposals", **fields))
    assert "建议值已提出" in shown
    assert "88.80" in shown
    (proposed,) = world.registry.targets.rows(id=HOUSE, year=2027)
    assert (proposed.state, proposed.rule, proposed.unit) == ("proposed", "", "kWh/(m2·a)")


def test_a_rule_is_chosen_stated_in_percent_and_ended(admin: httpx.Client, world: World) -> None:
    key = {"institution": "sl-dx", "indicator": "electricity_per_area", "caliber": "physical"}
    chosen = {**key, "rule": "five_year_path", "cut": "5", "base_year": "2024", "valid_from": "2025-01-01"}
    shown = text_of(send(admin, "/targets/rules", "/targets/rules", source="示例规划", **chosen))
    assert "示例大学" in shown
    assert "期末总降幅(%) 5" in shown
    (rule,) = world.registry.target_rules.rows(institution="sl-dx")
    assert (rule.rule, rule.cut, rule.base_year, rule.source) == ("five_year_path", 0.05, 2024, "示例规划")
    ended = send(admin, "/targets/rules", "/targets/rules", source="示例规划", **chosen, valid_to="2025-03-01")
    assert "已终止" in text_of(ended)
    (rule,) = world.registry.target_rules.rows(institution="sl-dx")
    assert rule.valid_to == date(2025, 3, 1)


def test_a_rule_beyond_what_the_notice_allows_is_refused_in_words(admin: httpx.Client, world: World) -> None:
    given = {"institution": "jz-jgsw", "indicator": "electricity_per_area", "caliber": "physical"}
    more = {"rule": "four_branches", "cut": "3", "valid_from": "2025-01-01"}
    answer = send(admin, "/targets/rules", "/targets/rules", **given, **more)
    assert answer.status_code == 422
    assert "column cut: expected 0.04 to 1.0" in text_of(answer)
    assert world.registry.target_rules.rows(institution="jz-jgsw") == []


def test_the_notices_of_a_page_are_acknowledged_at_once(admin: httpx.Client, world: World) -> None:
    alarms, now = world.registry.alarms, world.now
    made = [Notice(f"n-{i}", f"c-{i}", "silent", "root", "", "warning", now, f"通知{i}", "", "", "") for i in range(3)]
    alarms.record([(notice, "opened") for notice in made], [], now=now)
    alarms.close("n-2", author="manager", now=now)
    ids = [notice.id for notice in made]
    shown = admin.get("/alarms")
    assert f"确认本页 {len(alarms.notices(states=['open']))} 条" in text_of(shown)
    admin.post("/alarms/notices/acts", data={"csrf": csrf_of(shown), "notice": ids})
    found = {notice.id: (notice.state, notice.acknowledged_by) for notice in alarms.notices(ids=ids)}
    assert found == {"n-0": ("acknowledged", "admin"), "n-1": ("acknowledged", "admin"), "n-2": ("closed", "")}


def test_the_outbox_tells_what_failed_and_sends_it_again(admin: httpx.Client, world: World) -> None:
    now = world.now
    world.registry.alarms.queue(
        [OutMessage("m-1", "n-1", "duty", "email", "duty@example.org", '{"subject": "表计失联"}', now, now)]
    )
    (held,) = world.registry.alarms.claim(now=now, lease_s=300)
    world.registry.alarms.settle(held, now=now, error="550 no such mailbox")
    shown = text_of(admin.get("/alarms/outbox"))
    for part in ("未送达 1", "duty@example.org", "表计失联", "1/20", "550 no such mailbox"):
        assert part in shown
    again = send(admin, "/alarms/outbox", "/alarms/outbox/retry")
    assert "等待发送 1" in text_of(again)
    (message,) = world.registry.alarms.outbox()
    assert (message.state, message.attempts) == ("waiting", 0)


def test_targets_are_told_apart_by_what_waits_for_a_decision(admin: httpx.Client) -> None:
    waiting, issued = (text_of(admin.get(f"/targets?year=2025&state={state}")) for state in ("proposed", "issued"))
    assert "示例文号〔2025〕1号" in issued
    assert "未下达" not in issued
    assert "示例文号〔2025〕1号" not in waiting


def test_a_quota_entered_on_the_page_holds_for_the_institutions_of_its_class(admin: httpx.Client, world: World) -> None:
    own = world.registry.snapshot().institutions["jz-jgsw"]
    stated = {"region": "990000", "standard": "DB99/T 9", "institution_type": own.quota_class, "tier": own.tier}
    key = {"climate_zone": own.climate_zone or "", "indicator": "water_per_area", "caliber": "physical"}
    send(admin, "/targets", "/quotas", **stated, **key, constraint=9, valid_from="2025-01-01", source="附表 1")
    book = QuotaBook.of(world.registry, world.registry.snapshot())
    entry = book.entry("jz-jgsw", "water_per_area", "physical", date(2025, 3, 1))
    assert entry is not None
    assert entry.levels.constraint == 9


def test_silence_and_parked_readings_are_counted_within_what_is_seen(browser_of: Signed, admin: httpx.Client) -> None:
    total, own = (text_of(browser.get("/quality")) for browser in (admin, browser_of("manager")))
    assert "各级情况" in total
    assert "甲州市" in total
    assert "搁置读数 47 近 7 日" in total
    assert "搁置读数 30 近 7 日" in own
    assert "不合理" not in own
    assert "各级情况" not in own  # who sees one institution sees no region's sums


def test_every_paper_of_the_reports_page_can_be_taken(admin: httpx.Client) -> None:
    page = admin.get(f"/reports?institution={HOUSE}&year=2025").text
    links = [unescape(link) for link in re.findall(r'href="(/api/v1/reports/[^"]+)"', page)]
    assert {re.search(r"by=(\w+)", link)[1] for link in links if "/summaries/" in link} == {
        "region",
        "department",
        "type",
    }
    for part in ("monthly", "yearly", "forms/base1", "forms/base2", "summaries"):
        link = next(link for link in links if f"/{part}" in link and "file=xlsx" in link)
        assert admin.get(link).content[:2] == b"PK", link


def test_a_value_of_a_form_is_entered_and_a_quarter_published(admin: httpx.Client, world: World) -> None:
    path = f"/reports?institution={HOUSE}&year=2024"
    send(admin, path, f"/reports/{HOUSE}/entries", field="base1/address", year=2024, value="示例路 1 号")
    (entry,) = world.registry.reporting.entries([HOUSE], 2024)
    assert (entry.field, entry.text, entry.author) == ("address", "示例路 1 号", "admin")
    answer = send(admin, path, f"/reports/{HOUSE}/publications", quarter="2024Q4")
    assert "2024Q4" in text_of(answer)
    assert world.registry.reporting.publications(institution=HOUSE)


def test_too_incomplete_a_sum_is_not_held_against_last_year() -> None:
    one = Periods(Category.WATER, np.zeros(1, np.int64), {n: np.array([v]) for n, v in _INCOMPLETE.items()})
    assert one.before != one.before
    whole = Periods(Category.WATER, one.start, {**one.values, "coverage": np.array([0.9])})
    assert whole.before == 200.0


_INCOMPLETE = {"amount": 100.0, "last_year": 200.0, "coverage": 0.89}
