/** What can be said of any page by looking at it: returns sentences about what is wrong. Runs in the page, before it is touched. */
(() => {
  const isSeen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const nameOf = (element) => {
    const name = element.id ? `#${element.id}` : [...element.classList].slice(0, 2).map((each) => `.${each}`).join("");
    return `${element.localName}${name} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 30)}"`;
  };
  const isOffscreenHelp = (element) => element.closest(".sr-only, .sr-only-live, .skip-link") !== null;

  /** One h1, one main, a skip link that comes first and leads somewhere, fields tied to their hints and errors, charts with numbers. */
  function structure() {
    const wrong = [];
    const titles = [...document.querySelectorAll("h1")].filter(isSeen);
    if (titles.length !== 1) wrong.push(`${titles.length} visible h1`);
    if (document.querySelectorAll("main").length !== 1) wrong.push("not exactly one main");
    const first = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].find(isSeen);
    if (!first?.matches(".skip-link")) wrong.push(`the first stop is ${first ? nameOf(first) : "nothing"}, not the skip link`);
    else if (!document.querySelector(first.getAttribute("href"))) wrong.push("the skip link leads nowhere");
    for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby], [aria-controls], [aria-errormessage]")) {
      for (const name of ["aria-describedby", "aria-labelledby", "aria-controls", "aria-errormessage"]) {
        const lost = (element.getAttribute(name) ?? "").split(/\s+/).filter((id) => id && !document.getElementById(id));
        if (lost.length) wrong.push(`${nameOf(element)} has ${name} ${lost.join(" ")}, which is not there`);
      }
    }
    for (const field of document.querySelectorAll("form input:not([type=hidden]), form select, form textarea")) {
      const error = field.name && field.closest("form").querySelector(`[data-error-for="${CSS.escape(field.name)}"]`);
      const described = [field, field.closest("fieldset, [role=group], [role=radiogroup]")]
        .some((each) => each && (each.getAttribute("aria-describedby") ?? "").split(/\s+/).includes(error?.id));
      if (error && !described) wrong.push(`${nameOf(field)} ${field.name} is not described by its error`);
    }
    for (const canvas of document.querySelectorAll("canvas")) {
      if (canvas.getAttribute("role") !== "img" || !canvas.getAttribute("aria-label")) wrong.push("a chart without a name");
      if (!canvas.closest("figure")?.querySelector("table")) wrong.push("a chart without a table beside it");
    }
    for (const dialog of document.querySelectorAll("dialog, [role=dialog]")) {
      if (!dialog.getAttribute("aria-labelledby") && !dialog.getAttribute("aria-label")) wrong.push(`${nameOf(dialog)} has no name`);
    }
    if (!document.querySelector("[aria-live], [role=status]")) wrong.push("no live region");
    return wrong;
  }

  /** What is wider than the screen, for a sentence about it. */
  function sideways() {
    const overflow = document.documentElement.scrollWidth - innerWidth;
    if (overflow <= 0) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((element) => isSeen(element)
      && !element.closest(".table-wrap, pre") && element.getBoundingClientRect().right > innerWidth + 1);
    return [`${overflow} px too wide at ${innerWidth}: ${wide.slice(-3).map(nameOf).join(", ")}`];
  }

  /** Elements that cut off their own text. */
  function clipped() {
    return [...document.body.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      const cuts = (axis) => ["hidden", "clip"].includes(style[`overflow${axis}`]);
      return element.textContent.trim() && isSeen(element) && !isOffscreenHelp(element)
        && ((cuts("X") && element.scrollWidth > element.clientWidth + 1) || (cuts("Y") && element.scrollHeight > element.clientHeight + 1));
    });
  }

  /** Text at twice its size: nothing is lost that was there before, nothing goes sideways. */
  function largeText() {
    const before = new Set(clipped());
    document.documentElement.style.setProperty("font-size", "200%");
    const wrong = [...sideways(), ...clipped().filter((element) => !before.has(element)).map((element) => `cuts its text: ${nameOf(element)}`)];
    document.documentElement.style.removeProperty("font-size");
    return wrong.map((sentence) => `with text at 200 %: ${sentence}`);
  }

  /** Every stop of the keyboard shows that it is there, and no bar lies over it. */
  function focus() {
    const wrong = [];
    const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((element) =>
      element.tabIndex >= 0 && !element.disabled && isSeen(element) && !element.closest("[inert], dialog:not([open])"));
    for (const element of stops) {
      element.focus({ focusVisible: true });
      if (document.activeElement !== element || element.matches("main")) continue;
      const marks = [element, element.closest("label"), element.nextElementSibling, element.parentElement].filter(Boolean);
      if (!marks.some((each) => isMarked(getComputedStyle(each)) || isMarked(getComputedStyle(each, "::after")))) wrong.push(`no focus to be seen: ${nameOf(element)}`);
      const box = element.getBoundingClientRect();
      if (box.width < 2 || box.height < 2 || isOffscreenHelp(element)) continue;
      const [from, to] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
      const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
      const top = document.elementFromPoint(x, from + Math.min((to - from) / 2, 22));
      if (to - from < 2 || !top) wrong.push(`out of sight when focused: ${nameOf(element)}`);
      else if (!element.contains(top) && !top.contains(element) && top.closest("label")?.control !== element) wrong.push(`${nameOf(element)} is hidden by ${nameOf(top)} when focused`);
    }
    document.activeElement?.blur();
    scrollTo(0, 0);
    return wrong;
  }

  const isMarked = (style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";

  /** What moves although the reader asked for stillness. */
  function motion() {
    return document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 50)
      .map((each) => `moves: ${nameOf(each.effect.target)} (${each.animationName ?? each.transitionProperty})`);
  }

  /** The dialogs that the page can open, by id. */
  const dialogs = () => [...new Set([...document.querySelectorAll("[data-open-modal]")].map((each) => each.dataset.openModal))];

  return { structure, sideways, largeText, focus, motion, dialogs };
})()
