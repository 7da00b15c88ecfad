// The first console page: choose an institution, see its days by category. Unknown stays a gap, never zero.
"use strict";

const words = JSON.parse(document.body.dataset.words);
const COLOURS = { electricity: "#0b6e69", water: "#2b7bba", gas: "#c77d0a", heat: "#b5402a", cooling: "#5a6fc0", other: "#6b7580" };
const state = { institution: null, days: 365, charts: [] };

const byId = (id) => document.getElementById(id);
const number = (value, digits = 0) =>
  value === null ? words.unknown : value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
const share = (value) => (value === null ? words.unknown : `${number(100 * value, 1)} %`);
const isoDay = (date) => date.toISOString().slice(0, 10);
const known = (rows, key) => rows.map((row) => row[key]).filter((value) => value !== null);
const sum = (values) => (values.length ? values.reduce((a, b) => a + b, 0) : null);
const mean = (values) => (values.length ? sum(values) / values.length : null);

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function figure(label, value, note) {
  const box = document.createElement("div");
  const small = document.createElement("small");
  const strong = document.createElement("strong");
  const under = document.createElement("small");
  small.textContent = label;
  strong.textContent = value;
  under.textContent = note;
  box.append(small, strong, under);
  return box;
}

function showFigures(series) {
  byId("figures").replaceChildren(
    ...series.map((one) => {
      const last = one.rows.at(-1);
      const reported = last ? `${words.expected_reported} ${last.n_expected ?? words.unknown}/${last.n_reporting ?? words.unknown}` : "";
      const complete = `${words.completeness} ${share(mean(known(one.rows, "coverage")))}`;
      return figure(`${words[one.category]} ${words.total} (${one.unit})`, number(sum(known(one.rows, "amount"))), `${complete} · ${reported}`);
    }),
  );
}

function chartOptions(one, zone) {
  const day = (start) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date(1000 * start));
  return {
    title: { text: `${words[one.category]} (${one.unit})`, textStyle: { fontSize: 14 } },
    tooltip: { trigger: "axis", valueFormatter: (value) => (value == null ? words.unknown : number(value, 1)) },
    grid: { left: 70, right: 50, top: 40, bottom: 28 },
    xAxis: { type: "category", data: one.rows.map((row) => day(row.start)) },
    yAxis: [{ type: "value" }, { type: "value", min: 0, max: 1, show: false }],
    series: [
      { name: `${words[one.category]} ${one.unit}`, type: "bar", large: true, itemStyle: { color: COLOURS[one.category] ?? COLOURS.other }, data: one.rows.map((row) => row.amount) },
      { name: words.completeness, type: "line", yAxisIndex: 1, symbol: "none", lineStyle: { width: 1, color: "#9aa5b0" }, itemStyle: { color: "#9aa5b0" }, data: one.rows.map((row) => row.coverage) },
    ],
  };
}

function showCharts(answer) {
  state.charts.forEach((chart) => chart.dispose());
  state.charts = [];
  const place = byId("charts");
  if (!answer.series.length) {
    const empty = document.createElement("p");
    empty.className = "empty";
    empty.textContent = words.no_data;
    place.replaceChildren(empty);
    return;
  }
  place.replaceChildren();
  for (const one of answer.series) {
    const box = document.createElement("div");
    box.className = "chart";
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${words.consumption}: ${words[one.category]}`);
    place.append(box);
    const chart = echarts.init(box, null, { renderer: "svg" });
    chart.setOption(chartOptions(one, answer.zone));
    state.charts.push(chart);
  }
}

async function showInstitution() {
  if (!state.institution) return;
  const today = new Date();
  const first = new Date(today - 86400000 * state.days);
  const answer = await get(
    `/api/v1/institutions/${state.institution}/consumption?period=day&first=${isoDay(first)}&last=${isoDay(today)}`,
  );
  showFigures(answer.series);
  showCharts(answer);
  document.body.dataset.shown = state.institution;
}

async function showCollector() {
  const health = await get("/api/v1/collector");
  const total = (test) => sum(Object.entries(health.readings).filter(([key]) => test(key)).map(([, value]) => value)) ?? 0;
  const rows = [
    [words.lag, health.lag_s === null ? words.unknown : `${number(health.lag_s, 1)} s`],
    [words.spool, health.spool_bytes === null ? words.unknown : `${number(health.spool_bytes / 1e6, 1)} MB`],
    [`${words.last_hour}: ${words.stored}`, number(total((key) => key === "stored"))],
    [words.duplicate, number(total((key) => key === "duplicate"))],
    [words.parked, number(total((key) => key !== "stored" && key !== "duplicate"))],
  ];
  byId("collector").replaceChildren(
    ...rows.map(([label, value]) => {
      const box = document.createElement("div");
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      term.textContent = label;
      detail.textContent = value;
      box.append(term, detail);
      return box;
    }),
  );
}

function choose(button) {
  document.querySelectorAll("#institutions button").forEach((other) => other.removeAttribute("aria-current"));
  button.setAttribute("aria-current", "true");
  state.institution = button.dataset.id;
  byId("title").textContent = `${button.querySelector("span").textContent} · ${words.consumption}`;
  showInstitution();
}

byId("institutions").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) choose(button);
});
byId("search").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  document.querySelectorAll("#institutions li").forEach((row) => {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
});
document.querySelectorAll(".choice button").forEach((button) =>
  button.addEventListener("click", () => {
    document.querySelectorAll(".choice button").forEach((other) => other.removeAttribute("aria-pressed"));
    button.setAttribute("aria-pressed", "true");
    state.days = Number(button.dataset.days);
    showInstitution();
  }),
);
window.addEventListener("resize", () => state.charts.forEach((chart) => chart.resize()));

const first = document.querySelector("#institutions button");
if (first) choose(first);
showCollector();
setInterval(() => { showInstitution(); showCollector(); }, 15000);
