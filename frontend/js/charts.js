/** x-data="chart": a line or bar chart from the JSON block named by data-source. */
import {
  BarController, BarElement, CategoryScale, Chart, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip,
} from "chart.js";
import { component, formatMoney, formatNumber, readData } from "./kit.js";

Chart.register(BarController, BarElement, CategoryScale, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip);

const FORMATS = { money: formatMoney, number: formatNumber };
const MAX_SERIES = 4;

function readColours(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    series: Array.from({ length: MAX_SERIES }, (_unused, place) => read(`--series-${place + 1}`)),
    ink: read("--ink"), muted: read("--muted"), line: read("--line"), surface: read("--surface"),
  };
}

/** Writes each series' name at its last point: nobody has to match colours with a legend. */
const directLabels = {
  id: "directLabels",
  afterDatasetsDraw(chart) {
    if (chart.data.datasets.length < 2) return;
    const { ctx } = chart;
    ctx.save();
    ctx.font = `560 14px "Inter Variable", sans-serif`;
    ctx.textBaseline = "middle";
    const places = chart.data.datasets.map((set, index) => {
      const point = chart.getDatasetMeta(index).data.at(-1);
      return { text: set.label, colour: set.labelColour, x: point.x + 10, y: point.y };
    }).sort((a, b) => a.y - b.y);
    places.forEach((place, index) => {
      if (index > 0) place.y = Math.max(place.y, places[index - 1].y + 18);
    });
    // All at the floor: the names stand upwards from it, none is cut off.
    places.reverse().forEach((place, index) => {
      const floor = index > 0 ? places[index - 1].y - 18 : chart.chartArea.bottom;
      place.y = Math.min(place.y, floor);
      ctx.fillStyle = place.colour;
      ctx.fillText(place.text, place.x, place.y);
    });
    ctx.restore();
  },
};

function datasets(data, colours) {
  return data.series.slice(0, MAX_SERIES).map((serie, index) => ({
    label: serie.label,
    data: serie.values,
    labelColour: colours.series[index],
    borderColor: colours.series[index],
    backgroundColor: data.type === "bar" ? colours.series[index] : `${colours.series[index]}1f`,
    fill: data.type !== "bar" && data.series.length === 1,
    borderWidth: data.type === "bar" ? 0 : 2.5,
    borderRadius: 4,
    maxBarThickness: 56,
    pointRadius: 0,
    pointHitRadius: 16,
    pointHoverRadius: 5,
    tension: 0.25,
    borderDash: [[], [6, 3], [2, 3], [10, 3, 2, 3]][index], // told apart on paper too
  }));
}

function rightPadding(data) {
  const longest = data.series.length > 1 && data.type !== "bar" ? Math.max(...data.series.map((serie) => serie.label.length)) : 0;
  return longest ? longest * 8 + 18 : 4;
}

function options(data, colours, format) {
  const font = { family: '"Inter Variable", sans-serif', size: 14 };
  const isReduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: isReduced ? false : { duration: 350 },
    interaction: { mode: "index", intersect: false },
    layout: { padding: { right: rightPadding(data), top: 8 } },
    scales: {
      x: { grid: { display: false }, border: { color: colours.line }, ticks: { color: colours.muted, font, maxRotation: 0, autoSkipPadding: 16 } },
      y: { beginAtZero: true, grid: { color: colours.line }, border: { display: false }, ticks: { color: colours.muted, font, maxTicksLimit: 5, callback: format } },
    },
    plugins: {
      tooltip: {
        backgroundColor: colours.ink, titleColor: colours.surface, bodyColor: colours.surface, titleFont: font, bodyFont: font,
        padding: 12, cornerRadius: 8, displayColors: data.series.length > 1,
        callbacks: { label: (item) => `${data.series.length > 1 ? `${item.dataset.label}: ` : ""}${format(item.parsed.y)}` },
      },
    },
  };
}

component("chart", () => ({
  init() {
    this.draw();
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.scheme.addEventListener("change", this.redraw);
  },

  draw() {
    const data = readData(this.$root.dataset.source);
    const colours = readColours(this.$root);
    const format = FORMATS[data.format] ?? formatNumber;
    this.stopDrawing();
    // Alpine must not wrap the chart: it compares objects by identity.
    this.$refs.canvas.orionChart = new Chart(this.$refs.canvas, {
      type: data.type ?? "line",
      data: { labels: data.labels, datasets: datasets(data, colours) },
      options: options(data, colours, (value) => format(value)),
      plugins: data.type === "bar" ? [] : [directLabels],
    });
  },

  stopDrawing() {
    this.$refs.canvas.orionChart?.destroy();
  },

  destroy() {
    this.stopDrawing();
    this.scheme.removeEventListener("change", this.redraw);
  },
}));
