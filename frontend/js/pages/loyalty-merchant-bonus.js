/** A bonus for many cards: what it costs first, then the confirmation; what runs is what was shown. */
import { act, ApiError, component, focusWhenShown, forgetAct, formatNumber, ngettext, post, serialize } from "../kit.js";
import { clearErrors, showErrors } from "../components/form.js";

const PATH = "/api/v1/merchants/loyalty/cards/bulk/bonus";
const NAME = "bulk-bonus";

/** Empty conditions are not asked for. */
function read(form) {
  const { card_ids: ids, filter = {}, points, reason } = serialize(form);
  const chosen = ids ? { card_ids: ids } : { filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null)) };
  return { preview: { ...chosen, points }, whole: { ...chosen, points, reason } };
}

component("bulkBonus", () => ({
  isReady: false,
  isChanged: false,
  isBusy: false,
  sentence: "",
  cards: 0,

  get isNobody() {
    return this.isReady && this.cards === 0;
  },
  get isSomebody() {
    return this.isReady && this.cards > 0;
  },

  change() {
    this.isReady = false;
    this.isChanged = false;
  },

  show({ cards, points_in_all: points }) {
    this.cards = cards;
    const all = ngettext("%(num)s point in all", "%(num)s points in all", points, { num: formatNumber(points) });
    const meant = ngettext("%(num)s card", "%(num)s cards", cards, { num: formatNumber(cards) });
    this.sentence = `${meant} · ${all}`;
    this.isReady = true;
    focusWhenShown(() => (cards > 0 ? this.$refs.give : this.$refs.result));
  },

  async look() {
    await this.during(async () => {
      this.change();
      forgetAct(NAME);
      const { preview } = read(this.$root);
      this.show(await post(`${PATH}/preview`, preview));
    });
  },

  async give() {
    await this.during(async () => {
      try {
        const { job_id: id } = await act(NAME, PATH, { ...read(this.$root).whole, expected_cards: this.cards });
        location.assign(`/merchants/jobs/${id}`);
      } catch (error) {
        if (error.code !== "bulk_preview_changed") throw error;
        this.show(error.params);
        this.isChanged = true;
      }
    });
  },

  /** Does one thing at a time and shows what the server refuses. */
  async during(work) {
    if (this.isBusy) return;
    this.isBusy = true;
    clearErrors(this.$root);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.isReady = this.isReady && error.isUndecided;
      showErrors(this.$root, error);
    } finally {
      this.isBusy = false;
    }
  },
}));
