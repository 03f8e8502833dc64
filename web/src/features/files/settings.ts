import { isRecord } from '$/lib/api/http';

/** A setting of the server for files, as a line of the administrators' page. */
export interface FileSetting {
  key: string;
  kind: 'number' | 'list';
  label: string;
  hint: string;
}

const number = (key: string, label: string, hint: string): FileSetting => ({ key, kind: 'number', label, hint });

export const fileSections: readonly { title: string; settings: readonly FileSetting[] }[] = [
  {
    title: 'What people may send',
    settings: [
      number('rag.file.max_size', 'Largest file, in MiB', 'Empty: 1024.'),
      number('rag.file.max_count', 'Most files with one message', 'Empty: any number; this page sends 100 at most.'),
      { key: 'rag.file.allowed_extensions', kind: 'list', label: 'Endings that names may have', hint: 'For example pdf, txt, png. Empty: any.' },
      number('antiphon.files_per_user', 'Most of one user together, in MiB', 'Empty: any amount.'),
    ],
  },
  {
    title: 'Pictures',
    settings: [
      number('file.image_compression_width', 'Widest, in pixels', 'Wider ones are made smaller before they are sent. Empty: as they are.'),
      number('file.image_compression_height', 'Highest, in pixels', 'Higher ones are made smaller before they are sent. Empty: as they are.'),
    ],
  },
];
const all = fileSections.flatMap(({ settings }) => settings);

/** As text, by key, out of what the server says of all its settings. Those it does not know are left out. */
export function textsOf(described: unknown): Record<string, string> {
  const groups = isRecord(described) && Array.isArray(described.groups) ? described.groups : [];
  const known = new Map<unknown, unknown>();
  for (const group of groups) {
    const settings = isRecord(group) && Array.isArray(group.settings) ? group.settings : [];
    for (const setting of settings) if (isRecord(setting)) known.set(setting.key, setting.value);
  }
  return Object.fromEntries(all.filter(({ key }) => known.has(key)).map(({ key }) => [key, textOf(known.get(key))]));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  return value === null || value === undefined || value === 0 ? '' : String(value);
}

/** What is to be stored: what was changed. A number that is none goes as it is, for the server to refuse it with a reason. */
export function changesOf(before: Record<string, string>, after: Record<string, string>): Record<string, unknown> {
  const changed = all.filter(({ key }) => key in after && after[key] !== before[key]);
  return Object.fromEntries(changed.map(({ key, kind }) => [key, valueOf(kind, after[key]!.trim())]));
}

function valueOf(kind: FileSetting['kind'], text: string): unknown {
  if (kind === 'list') return text.split(/[\s,;]+/u).map((one) => one.replace(/^\./u, '').toLowerCase()).filter(Boolean);
  if (text === '') return null;
  return /^\d{1,12}$/u.test(text) ? Number(text) : text;
}
