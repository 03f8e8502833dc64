const gap = 6;
const edge = 8;

/** Puts a popover below its button, or above where there is more room, and inside the window. */
export function placeBeside(panel: HTMLElement, button: HTMLElement, align: 'start' | 'end'): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = align === 'start' ? at.left : at.right - width;
  const below = at.bottom + gap;
  const fitsBelow = below + height <= window.innerHeight - edge || at.top < window.innerHeight / 2;
  const top = fitsBelow ? below : at.top - gap - height;
  panel.style.position = 'fixed';
  panel.style.inset = 'auto';
  panel.style.left = `${Math.max(edge, Math.min(left, window.innerWidth - width - edge))}px`;
  panel.style.top = `${Math.max(edge, Math.min(top, window.innerHeight - height - edge))}px`;
}
