/** Finding a card: typed, scanned with the camera, or by a barcode scanner anywhere on the page. */
import { ApiError, get, _, ngettext } from "../kit.js";
import { fullName, scopeOf } from "./loyalty-terminal-card.js";
import { sayPoints, sayProgress } from "./loyalty-terminal-words.js";

const API = "/api/v1/store/loyalty";
const WAIT_MS = 350;
const LEAST_LETTERS = 3;

export const findView = {
  query: "",
  searched: "",
  matches: [],
  isSearching: false,
  hasNoMatch: false,
  searchTimer: 0,
  searchNumber: 0,

  get hasMatches() { return this.matches.length > 0; },
  get showsCamera() { return !this.hasMatches && !this.hasNoMatch; },
  get matchesTitle() { return ngettext("%(num)s card found", "%(num)s cards found", this.matches.length); },
  get noMatchText() { return _("No card fits “%(text)s”. Check the spelling, or enroll the customer.", { text: this.searched }); },

  onSearchInput(event) {
    this.query = event.target.value;
    clearTimeout(this.searchTimer);
    const text = this.query.trim();
    if (text === "") this.clearMatches();
    else if (text.length >= LEAST_LETTERS) this.searchTimer = setTimeout(() => this.search(text), WAIT_MS);
  },

  submitSearch() {
    clearTimeout(this.searchTimer);
    const text = this.query.trim();
    if (text) this.find(text);
  },

  onScan(event) { this.find(event.detail.text, { isScan: true }); },

  onWedge(event) {
    if (this.isReady && this.isReadyForWork) this.find(event.detail.text, { isScan: true });
  },

  /** Searches and opens the card when there is exactly one. */
  async find(text, { isScan = false } = {}) {
    const found = await this.search(text, { isScan });
    if (found?.length === 1) this.open(found[0]);
    else if (found) this.showFind();
  },

  async search(text, { isScan = false } = {}) {
    this.searchNumber += 1;
    const number = this.searchNumber;
    this.isSearching = true;
    this.clearProblem();
    try {
      const { items } = await get(`${API}/cards?q=${encodeURIComponent(text)}`);
      if (number !== this.searchNumber) return null;
      this.searched = isScan ? _("the scanned code") : text;
      this.typed = isScan ? "" : text;
      this.matches = items.map((card) => this.match(card));
      this.hasNoMatch = items.length === 0;
      this.said = this.hasNoMatch ? this.noMatchText : this.matchesTitle;
      scopeOf("terminal-camera").stop();
      return items;
    } catch (error) {
      if (number === this.searchNumber) this.failPlainly(error);
      return null;
    } finally {
      if (number === this.searchNumber) this.isSearching = false;
    }
  },

  match(card) {
    const name = fullName(card.holder) || _("Card without a name");
    const holds = [];
    if (this.givesStamps || card.stamp_count > 0) holds.push(sayProgress(card));
    if (this.givesPoints || card.points_balance > 0) holds.push(sayPoints(card.points_balance));
    return {
      id: card.id, name, initial: name[0].toUpperCase(), number: card.card_number, holds: holds.join(" · "),
      email: card.holder?.email ?? "", card,
    };
  },

  openMatch(event) {
    const match = this.matches.find((item) => item.id === event.currentTarget.dataset.id);
    this.open(match.card);
  },

  open(card) {
    if (this.isBusy) return; // what runs belongs to the card that is open
    this.clearMatches();
    this.clearSearch();
    this.leaveAction();
    this.clearResult();
    this.showCard(card);
  },

  async openById(id) {
    try {
      this.open(await get(`${API}/cards/${id}`));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) this.failPlainly(error);
    }
  },

  /** The choice, or that there is none: the last card makes room. */
  showFind() {
    this.leaveAction();
    this.card = null;
    this.view = "find";
  },

  clearMatches() {
    this.matches = [];
    this.hasNoMatch = false;
    this.searchNumber += 1;
    this.isSearching = false;
  },

  clearSearch() {
    this.query = "";
    const field = document.getElementById("search");
    if (field) field.value = "";
  },

  /** An open question about the last card is over, and its message. */
  leaveAction() {
    if (this.undecided) this.dismissProblem();
    this.clearProblem();
    this.stopIdle();
  },

  back() { this.toFind(); },

  /** Ready for the next customer; what was just done can still be undone for a while. */
  toFind() {
    if (this.isBusy) return;
    this.leaveAction();
    this.card = null;
    this.panel = "stamp";
    this.view = "find";
    this.clearMatches();
    this.clearSearch();
    this.resetForms();
    this.whenShown(() => this.focusView());
  },
};
