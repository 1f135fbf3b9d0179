/** Moving the focus to what is about to appear: Alpine shows it a frame or two later, and nothing hidden takes the focus. */
const MOST_FRAMES = 10;

/** Focuses the element that `find` returns as soon as it is on the screen. */
export function focusWhenShown(find, frames = MOST_FRAMES) {
  requestAnimationFrame(() => {
    const element = find();
    if (element?.getClientRects().length) element.focus();
    else if (frames > 0) focusWhenShown(find, frames - 1);
  });
}
