const kinds = { chat: 'application/x-antiphon-chat', folder: 'application/x-antiphon-folder' } as const;

export type Dragged = { kind: keyof typeof kinds; id: string };

export function startDrag(event: DragEvent, dragged: Dragged): void {
  event.stopPropagation();
  event.dataTransfer?.setData(kinds[dragged.kind], dragged.id);
}

/** Whether one of these is being dragged; what may be dropped has to be known before its id can be read. */
export function isDragged(event: DragEvent, ...wanted: Dragged['kind'][]): boolean {
  const types = event.dataTransfer?.types ?? [];
  return wanted.some((kind) => types.includes(kinds[kind]));
}

export function droppedOn(event: DragEvent): Dragged | null {
  for (const kind of ['chat', 'folder'] as const) {
    const id = event.dataTransfer?.getData(kinds[kind]);
    if (id) return { kind, id };
  }
  return null;
}
