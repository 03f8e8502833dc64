// The events of one turn, brought into a form that two servers can be compared by.

/** These come when they are ready, beside the answer: their order means nothing. */
const kBeside = new Set(['chat:title', 'chat:tags', 'chat:list', 'chat:message:follow_ups', 'chat:active', 'notification']);

function nameOf({ type, data }) {
  if (type === 'response:completion') return `${type} ${data?.type ?? 'raw'}`;
  if (type === 'chat:completion') return `${type} ${Object.keys(data ?? {}).sort().join('+')}`;
  return type;
}

/** Deltas of one item that follow each other become one: how they are cut is free. */
function joined(events) {
  const out = [];
  for (const event of events) {
    const last = out.at(-1);
    const isDelta = typeof event.data?.delta === 'string';
    if (isDelta && last?.data?.type === event.data.type && last.data.output_index === event.data.output_index) {
      last.data = { ...last.data, delta: last.data.delta + event.data.delta };
    } else {
      out.push({ ...event });
    }
  }
  return out;
}

/** Several answers run at once: one sequence for each message. */
function byMessage(events) {
  const out = {};
  for (const event of events) {
    const key = event.message_id ?? 'chat';
    (out[key] ??= []).push(event.data ?? {});
  }
  return out;
}

export function summaryOf(events) {
  const own = events.filter((event) => !kBeside.has(event.data?.type));
  const beside = events.filter((event) => kBeside.has(event.data?.type));
  const sequences = {};
  const data = {};
  for (const [message, list] of Object.entries(byMessage(own))) {
    const steps = joined(list);
    sequences[message] = steps.map(nameOf).join(', ');
    data[message] = {};
    for (const step of steps) data[message][nameOf(step)] ??= step.data ?? null;
  }
  const besides = {};
  for (const event of beside) besides[event.data.type] ??= { data: event.data.data ?? null, has_message: Boolean(event.message_id) };
  return { sequences, events: data, beside: besides };
}
