export interface Dated {
  updated_at: number;
}

export interface Group<T> {
  label: string;
  items: T[];
}

const daySeconds = 86_400;

/** Groups items, newest first, under Today, Yesterday, … and then by month. `now` and the items' times are seconds; days are local ones. */
export function groupByDay<T extends Dated>(items: readonly T[], now: Date, locale?: string): Group<T>[] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000;
  const groups: Group<T>[] = [];
  for (const item of items) {
    const label = labelOf(item.updated_at, midnight, now, locale);
    const last = groups.at(-1);
    if (last?.label === label) last.items.push(item);
    else groups.push({ label, items: [item] });
  }
  return groups;
}

function labelOf(time: number, midnight: number, now: Date, locale: string | undefined): string {
  if (time >= midnight) return 'Today';
  if (time >= midnight - daySeconds) return 'Yesterday';
  if (time >= midnight - 6 * daySeconds) return 'This week';
  if (time >= midnight - 29 * daySeconds) return 'Past month';
  const date = new Date(time * 1000);
  const sameYear = date.getFullYear() === now.getFullYear();
  return date.toLocaleDateString(locale, sameYear ? { month: 'long' } : { month: 'long', year: 'numeric' });
}

/** "just now", "5 min ago", "3 h ago", else the date. */
export function relativeTime(time: number, now: Date, locale?: string): string {
  const seconds = Math.max(0, now.getTime() / 1000 - time);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < daySeconds) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time * 1000).toLocaleDateString(locale, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** A span in seconds as people say it: "4 s", "2 min 5 s". */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
}
