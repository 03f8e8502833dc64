import { fitted, type Limits } from './limits';

/** A picture made ready in the browser; the server decodes none. */
export interface Picture {
  /** What is sent: as it was chosen, or smaller where the server wants it so. */
  file: File;
  /** A `data:` URL of at most `thumbnailAtMost` characters; empty where none came out so small. */
  thumbnail: string;
}

/** What models are shown; the server tells them by their first bytes. */
const shown = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const shownAtMost = 16 * 2 ** 20;
const thumbnailSides = [320, 160];
const thumbnailAtMost = 24_000;

/** Null for what models are not shown: no picture, one that cannot be read, one that is too large. */
export async function pictureOf(file: File, limits: Limits): Promise<Picture | null> {
  if (!shown.includes(file.type)) return null;
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  try {
    const sent = await smaller(file, bitmap, limits);
    return sent.size > shownAtMost ? null : { file: sent, thumbnail: thumbnailOf(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** GIFs may move, and stay as they are. */
async function smaller(file: File, bitmap: ImageBitmap, limits: Limits): Promise<File> {
  const size = fitted(bitmap, limits);
  if (file.type === 'image/gif' || size.width === bitmap.width) return file;
  const canvas = drawn(bitmap, size, false);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, file.type, 0.9));
  return blob?.type === file.type ? new File([blob], file.name, { type: file.type }) : file;
}

function thumbnailOf(bitmap: ImageBitmap): string {
  for (const side of thumbnailSides) {
    const canvas = drawn(bitmap, fitted(bitmap, { width: side, height: side }), true);
    // Not every browser writes WebP; those give a PNG then, which is large.
    const webp = canvas.toDataURL('image/webp', 0.75);
    const url = webp.startsWith('data:image/webp') ? webp : canvas.toDataURL('image/jpeg', 0.75);
    if (url.length <= thumbnailAtMost) return url;
  }
  return '';
}

function drawn(bitmap: ImageBitmap, { width, height }: { width: number; height: number }, onWhite: boolean): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  if (onWhite) {
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}
