// Runs before the first paint, so that a chosen theme does not flash the other one. Kept in step with src/lib/theme.svelte.ts.
try {
  const theme = localStorage.getItem('antiphon.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is used.
}
