const states: Record<string, string> = { serving: 'Serving', stopping: 'Stopping', starting: 'Starting' };

export const stateText = (state: string) => states[state] ?? state;

/** How a clock stands to the database's, in words; what no one notices is called right. */
export function skewText(milliseconds: number): string {
  const far = Math.abs(milliseconds);
  if (far <= 500) return 'clock right';
  const time = far < 60_000 ? `${(far / 1000).toFixed(1)} s` : `${Math.round(far / 60_000)} min`;
  return `clock ${time} ${milliseconds < 0 ? 'behind' : 'ahead'}`;
}
