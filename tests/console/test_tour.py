"""The tour of an energy manager's day in real Chromium, and what axe says of every page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from energy.breakdown import Breakdown
from energy.registry import Subject
from tests.console.chromium import chromium_path, launched
from tests.console.world import FINDING, HOUSE, LAST, METER, PASSWORD, World, totals

pytestmark = pytest.mark.browser
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
DAY = date(2025, 2, 18)
DIVIDED = "/targets/breakdowns/region/990200/2025/energy/gb2589_equivalent_value"
PATHS = (
    "/", "/places", f"/institutions/{HOUSE}", f"/meters/{METER}", "/findings", f"/findings/{FINDING}", "/tasks",
    f"/tasks/new?finding={FINDING}", "/corrections", f"/corrections/new?meter={METER}", "/quality",
    f"/entry?institution={HOUSE}", "/ledger", "/costs", "/targets", "/targets/rules", "/targets/breakdowns",
    DIVIDED, "/reports",
    f"/reports?institution={HOUSE}", "/alarms", "/alarms/outbox", f"/audits?institution={HOUSE}",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched(chromium_path()) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def divided(world: World) -> None:
    """A target of a city that is divided, and another way that waits for approval."""
    city = Subject("region", "990200", 2025, "energy", "gb2589_equivalent_value")
    row = {"state": "issued", "value": 500, "unit": "kgce", "document": "示例〔2025〕8号"}
    world.registry.issue_target({**asdict(city), **row}, author="admin", time=world.now)
    for part in (400, 450):
        split = Breakdown(Decimal(500), {"institution:yz-jgsw": Decimal(part)}, Decimal(500 - part))
        made = world.registry.breakdowns.propose(city, split, author="manager", time=world.now, reason="分解")
        if part == 400:
            world.registry.breakdowns.decide(made.breakdown, "approve", author="admin", time=world.now, today=LAST)


@pytest.fixture
def tab(browser: Browser, world: World) -> Iterator[Page]:
    """A tab that fails the test for any error of a script or of the content security policy."""
    context = browser.new_context(base_url=world.url, viewport={"width": 1360, "height": 900}, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert errors == []


def test_the_tour(tab: Page, world: World) -> None:
    # sign in
    tab.goto("/")
    expect(tab).to_have_url(f"{world.url}/sign-in")
    tab.get_by_label("用户名").fill("admin")
    tab.get_by_label("密码").fill(PASSWORD)
    tab.get_by_role("button", name="登录").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("今日待办")

    # the institution with the highest forecast against its target is the first of the table
    tab.get_by_role("link", name="区域与单位", exact=True).first.click()
    first = tab.locator("#places tbody tr").first
    expect(first).to_contain_text("118.0 %")
    first.get_by_role("link").first.click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("甲州市第一人民医院")
    expect(tab.locator("#consumption .chart")).to_have_attribute("data-drawn", "yes")

    # months instead of days, without leaving the page
    tab.get_by_role("link", name="按月").click()
    expect(tab.locator("#h-use")).to_contain_text("按月")
    expect(tab.locator("#consumption .chart")).to_have_attribute("data-drawn", "yes")

    # its finding: marked
    tab.get_by_role("link", name="非工作时间用能偏高").click()
    tab.get_by_label("判定").select_option("confirmed")
    tab.get_by_label("意见").fill("现场属实")
    tab.get_by_role("button", name="保存").click()
    expect(tab.get_by_role("status")).to_have_text("处理意见已保存。")

    # made a task (整改)
    tab.locator("#make-task").click()
    tab.get_by_label("责任人").fill("王工")
    tab.get_by_label("措施").fill("加装定时开关")
    tab.get_by_role("button", name="下达").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("整改 · 甲州市第一人民医院")

    # a reading is corrected: proposed, approved, computed
    before = totals(world, "meter", METER, "electricity", DAY)
    tab.goto(f"/corrections/new?meter={METER}")
    tab.get_by_label("类别").select_option("amount")
    tab.get_by_label("开始").fill(f"{DAY}T08:00")
    tab.get_by_label("结束").fill(f"{DAY}T10:00")
    tab.get_by_label("数值").fill("100")
    tab.get_by_label("原因").fill("现场核对")
    tab.get_by_role("button", name="预览").click()
    expect(tab.locator(".chart")).to_have_attribute("data-drawn", "yes")
    tab.locator("#propose").click()
    tab.get_by_role("button", name="批准").first.click()
    expect(tab.get_by_role("status")).to_contain_text("修正已批准")
    world.compute()
    after = totals(world, "meter", METER, "electricity", DAY)
    # The hours 8 to 10 used far more than the 100 kWh that the correction states for them.
    assert after < before - 100
    tab.goto(f"/meters/{METER}")
    expect(tab.get_by_text("生效")).to_be_visible()

    # export to Excel
    tab.goto("/places")
    with tab.expect_download() as download:
        tab.locator("#export").click()
    sheet = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes())).active
    assert sheet is not None
    assert HOUSE in {row[0] for row in sheet.values}

    # the other language
    tab.locator("#language").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Regions and institutions")


def test_the_console_is_used_by_keyboard_alone(tab: Page, world: World) -> None:
    tab.goto(world.link("admin"))
    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#content")).to_be_focused()
    tab.keyboard.press("Tab")
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_axe_finds_no_serious_violation_on_any_page(tab: Page, world: World) -> None:
    tab.goto(world.link("admin"))
    found: dict[str, list[str]] = {}
    for path in PATHS:
        tab.goto(path)
        found |= _violations(tab, path)
    tab.context.clear_cookies()
    tab.goto("/sign-in")
    found |= _violations(tab, "/sign-in")
    assert found == {}


def _violations(tab: Page, path: str) -> dict[str, list[str]]:
    """Serious and critical violations of a page, with the first place of each."""
    tab.evaluate(AXE.read_text(encoding="utf-8"))  # through the debugger: the policy of the page stays as it is
    result: dict[str, Any] = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
    return {path: [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in serious]} if serious else {}


@pytest.mark.parametrize("path", ["/", f"/institutions/{HOUSE}", f"/meters/{METER}", f"/findings/{FINDING}"])
def test_charts_and_their_tips_need_no_style_attribute(tab: Page, world: World, path: str) -> None:
    """Every page forbids style attributes; `tab` fails for whatever the browser refuses."""
    tab.goto(world.link("admin"))
    tab.goto(path)
    tab.wait_for_function("document.querySelectorAll('.chart:not([data-drawn])').length === 0")
    charts = tab.locator(".chart")
    assert charts.count() > 0
    for chart in charts.all():
        chart.hover()
        tab.mouse.move(5, 5)


def test_the_sum_of_parts_is_told_while_one_types(tab: Page, world: World) -> None:
    tab.goto(world.link("admin"))
    tab.goto(DIVIDED)
    sums = tab.locator("[data-sums]")
    expect(sums).to_contain_text("500 · 0")
    tab.get_by_label("预留").last.fill("99.5")
    expect(sums).to_contain_text("499.5 · 0.5")


def test_no_page_is_wider_than_a_phone(browser: Browser, world: World) -> None:
    context = browser.new_context(base_url=world.url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(world.link("admin"))
    wide = []
    for path in PATHS:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(path)
    context.close()
    assert wide == []


def test_core_figures_can_be_read_without_javascript(browser: Browser, world: World) -> None:
    context = browser.new_context(base_url=world.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(world.link("admin"))
    page.goto(f"/institutions/{HOUSE}")
    page.locator("#consumption summary").click()
    expect(page.locator("#consumption tbody tr").last).to_contain_text("2025-03-09")
    page.get_by_role("link", name="按月").click()
    page.locator("#consumption summary").click()
    expect(page.locator("#consumption tbody tr").last).to_contain_text("2025-03")
    context.close()
