/** The program's form: the card beside it follows what is typed. The server decides what is allowed. */
import { component, formatNumber, ngettext, readData, _ } from "../kit.js";

const SHOWN_STAMPS = 24; // more are shown as a bar, as on the real card
const SHARE = 0.6; // how full the card of the preview is
const POINTS = 120;

/** How many circles stand in a row; the same steps as the card's template. */
function columnsFor(target) {
  if (target <= 6) return target;
  if (target <= 8) return 4;
  if (target <= 10) return 5;
  return target <= 12 ? 6 : 8;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function makeBar(value, max, label) {
  const bar = make("progress", "lcard-bar");
  bar.max = max;
  bar.value = value;
  bar.setAttribute("aria-label", label);
  return bar;
}

function makeStamps(count, target) {
  const parts = document.getElementById("stamp-parts").content;
  const row = make("div", `stamps stamps-${columnsFor(target)}`);
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", _("%(count)s/%(target)s stamps", { count, target }));
  for (let place = 1; place <= target; place += 1) {
    const kind = place === target ? "reward" : place <= count ? "on" : "off";
    row.append(parts.querySelector(`[data-part="${kind}"]`).cloneNode(true));
  }
  return row;
}

function makeBigNumber(number, text) {
  const line = make("p", "lcard-points");
  line.append(make("strong", "", formatNumber(number)), make("span", "", text));
  return line;
}

/** What the card shows of its balances, as the server's template would draw it. */
function drawProgress({ hasStamps, hasPoints, target, firstCost }) {
  const points = ngettext("%(num)s point", "%(num)s points", POINTS);
  if (hasStamps) {
    const count = Math.floor(target * SHARE);
    if (target > SHOWN_STAMPS) {
      return [makeBigNumber(count, _("/%(target)s stamps", { target })), makeBar(count, target, _("Stamps"))];
    }
    const stamps = _("%(count)s/%(target)s stamps", { count, target });
    return [makeStamps(count, target), make("p", "lcard-count", hasPoints ? `${stamps} · ${points}` : stamps)];
  }
  const big = makeBigNumber(POINTS, ngettext("point", "points", POINTS));
  if (!firstCost || firstCost <= POINTS) return [big];
  const missing = _("%(points)s to the next reward", { points: formatNumber(firstCost - POINTS) });
  return [big, makeBar(POINTS, firstCost, _("Progress to the next reward")), make("p", "lcard-count", missing)];
}

component("programForm", () => ({
  type: "stamps",
  explanation: "",
  isEveryGroupShown: false,

  get hasStamps() { return this.isEveryGroupShown || this.type !== "points"; },
  get hasPoints() { return this.isEveryGroupShown || this.type !== "stamps"; },

  init() {
    this.data = readData("program-data");
    this.draw();
  },

  onInput() {
    this.isEveryGroupShown = false;
    this.draw();
  },

  /** An error in a group that is not shown must be seen. */
  onFailed() {
    const hidden = [...document.querySelectorAll("#program-form [data-error-for]:not([hidden])")].some((place) => place.getClientRects().length === 0);
    if (hidden) this.isEveryGroupShown = true;
  },

  draw() {
    const values = new FormData(document.getElementById("program-form"));
    this.type = values.get("type") ?? "stamps";
    const isStamps = this.type !== "points";
    const isPoints = this.type !== "stamps";
    const typed = Number.parseInt(values.get("stamps_target"), 10);
    const target = Math.min(100, Math.max(1, Number.isNaN(typed) ? 10 : typed));
    const { card } = this.$refs;
    const name = values.get("card_name").trim() || values.get("name").trim() || this.data.merchant_name;
    card.querySelector(".lcard-program").textContent = name;
    const state = { hasStamps: isStamps, hasPoints: isPoints, target, firstCost: this.data.first_cost };
    card.querySelector(".lcard-progress").replaceChildren(...drawProgress(state));
    this.explanation = this.explain(values, isStamps, isPoints, target);
  },

  /** The rules in a sentence, as customers will understand them. */
  explain(values, isStamps, isPoints, target) {
    const sentences = [];
    const reward = values.get("stamp_reward").trim();
    if (isStamps) {
      sentences.push(reward
        ? ngettext("%(num)s stamp: %(reward)s.", "%(num)s stamps: %(reward)s.", target, { reward })
        : ngettext("%(num)s stamp fills the card.", "%(num)s stamps fill the card.", target));
    }
    const rate = Number(values.get("points_per_euro").replace(",", "."));
    if (isPoints && rate > 0) {
      const points = Math.floor(rate * 20 + 1e-9);
      sentences.push(ngettext("A purchase of 20 € earns %(num)s point.", "A purchase of 20 € earns %(num)s points.", points));
    }
    return sentences.join(" ");
  },
}));
