// Draws the charts that pages describe as data, and sends the small forms. Without it every page can still be read:
// each chart has its table, each switch is a link, each form has its button.
"use strict";

const style = getComputedStyle(document.documentElement);
const words = document.body.dataset;
const number = (value, digits = 1) =>
  value === null || value === undefined || Number.isNaN(value)
    ? words.unknown
    : Number(value).toLocaleString(document.documentElement.lang, { maximumFractionDigits: Math.abs(value) >= 1000 ? 0 : digits });

// A colour is written as the name of a variable of the style sheet, so that it means one thing on paper and on screen.
function coloured(part) {
  if (typeof part === "string" && part.startsWith("var(")) return style.getPropertyValue(part.slice(4, -1)).trim();
  if (Array.isArray(part)) return part.map(coloured);
  if (part && typeof part === "object") return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, coloured(v)]));
  return part;
}

function tip(box, option) {
  const unit = box.dataset.unit;
  const kind = option.series[0]?.type;
  if (kind === "heatmap") {
    return (one) => `${option.xAxis.data[one.value[0]]} ${option.yAxis.data[one.value[1]]}:00\n${number(one.value[2], 2)} ${unit}`;
  }
  if (kind === "sankey") {
    return (one) => (one.dataType === "edge" ? `${plain(one.data.source)} → ${plain(one.data.target)}\n` : `${plain(one.name)}\n`) + `${number(one.value)} ${unit}`;
  }
  return undefined;
}

// Braces would begin a style of rich text; a name may hold anything.
const plain = (text) => String(text).split("\u200b")[0].replace(/[{}|]/g, " ");

function draw(box) {
  box.style.height = `${box.dataset.height}px`;
  const option = coloured(JSON.parse(box.dataset.option));
  const quiet = style.getPropertyValue("--quiet").trim();
  const line = style.getPropertyValue("--line").trim();
  option.animation = false;
  option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
  // As rich text the tip is drawn like the chart; as HTML it would need style attributes, which no page allows.
  option.tooltip = { ...option.tooltip, renderMode: "richText", confine: true, valueFormatter: (value) => `${number(Array.isArray(value) ? value[1] : value, 2)} ${box.dataset.unit}` };
  const formatter = tip(box, option);
  if (formatter) option.tooltip.formatter = formatter;
  for (const axis of [option.xAxis, option.yAxis]) {
    if (!axis) continue;
    axis.axisLabel = { color: quiet, hideOverlap: true, ...axis.axisLabel };
    axis.axisLine = { lineStyle: { color: line }, ...axis.axisLine };
    axis.splitLine = { lineStyle: { color: line }, ...(axis.type === "value" ? {} : { show: false }) };
  }
  if (option.series[0]?.type === "sankey") option.series[0].label = { formatter: (one) => plain(one.name), width: 130, overflow: "truncate" };
  const chart = echarts.init(box, null, { renderer: option.series[0]?.type === "heatmap" ? "canvas" : "svg" });
  chart.setOption(option);
  new ResizeObserver(() => chart.resize()).observe(box);
  box.dataset.drawn = "yes";
}

// While somebody types the parts of a whole: their sum, and what is still missing. In thousandths, which add up exactly.
function add(form) {
  const thousandths = (text) => Math.round(Number(text || 0) * 1000);
  const whole = thousandths(form.dataset.sumsTo);
  const row = form.querySelector("[data-sums]");
  const exactly = (n) => (n / 1000).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 3 });
  const show = () => {
    const sum = [...form.querySelectorAll("[data-adds]")].reduce((total, field) => total + thousandths(field.value), 0);
    row.querySelector("output").value = `${exactly(sum)} · ${exactly(whole - sum)}`;
    row.classList.toggle("off", sum !== whole);
  };
  row.hidden = false;
  form.addEventListener("input", show);
  show();
}

function prepare(root) {
  if (window.innerWidth <= 860) root.querySelector("details.menu")?.removeAttribute("open");
  root.querySelectorAll(".chart:not([data-drawn])").forEach(draw);
  root.querySelectorAll("form[data-sums-to]").forEach(add);
  root.querySelectorAll("select[data-submit]").forEach((choice) => {
    choice.addEventListener("change", () => choice.form.requestSubmit());
  });
  root.querySelectorAll("[data-hides]").forEach((choice) => {
    const apply = () => document.querySelectorAll(choice.dataset.hides).forEach((part) => { part.hidden = part.dataset.for !== choice.value && !part.dataset.for.split(" ").includes(choice.value); });
    choice.addEventListener("change", apply);
    apply();
  });
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
