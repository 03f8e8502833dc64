export interface Shortcut {
  keys: string;
  label: string;
  run: () => void;
}

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * Keys of the whole page, written as "Mod+Shift+O"; Mod is ⌘ on a Mac and Ctrl elsewhere. Combinations browsers need (Mod+R, Mod+T,
 * Mod+Shift+C) are not taken.
 */
export class Shortcuts {
  items: readonly Shortcut[] = $state.raw([]);

  use(shortcuts: readonly Shortcut[]): () => void {
    this.items = [...this.items, ...shortcuts];
    return () => {
      this.items = this.items.filter((item) => !shortcuts.includes(item));
    };
  }

  handle(event: KeyboardEvent): void {
    const found = this.items.find((item) => matches(item.keys, event));
    if (!found || event.isComposing) return;
    event.preventDefault();
    found.run();
  }
}

export function matches(keys: string, event: KeyboardEvent, mac = isMac): boolean {
  const parts = keys.split('+');
  const key = parts.at(-1)!.toLowerCase();
  const mod = parts.includes('Mod');
  return (
    (event.key.toLowerCase() === key || event.code === `Key${key.toUpperCase()}`) &&
    (mac ? event.metaKey : event.ctrlKey) === mod &&
    (mac ? event.ctrlKey : event.metaKey) === false &&
    event.shiftKey === parts.includes('Shift') &&
    event.altKey === parts.includes('Alt')
  );
}

/** The keys as they stand on the keyboard of this machine. */
export function keysText(keys: string, mac = isMac): string {
  if (!mac) return keys.replace('Mod', 'Ctrl');
  return keys.replace('Mod', '⌘').replace('Shift', '⇧').replace('Alt', '⌥').replaceAll('+', '');
}
