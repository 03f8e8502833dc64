// The events of one turn, brought into a form that two servers can be compared by:
//   sequences  for each message, the kinds of its events in order; deltas of one item that follow each other count as one
//   events     for each message, the first event of each kind whole, its deltas joined
//   raw        for each message, chunks of the provider that were handed on as they came; clients read nothing from them
//   beside     what comes when it is ready, beside the answer: its order means nothing

const kBeside = new Set(['chat:title', 'chat:tags', 'chat:list', 'chat:message:follow_ups', 'chat:active', 'notification']);

const isRaw = ({ type, data }) => (type === 'response:completion' ? !data?.type : type === 'chat:completion' && 'choices' in (data ?? {}));

/** A snapshot is named by the most that it says. */
function nameOf({ type, data }) {
  if (type === 'response:completion') return data.type;
  if (type !== 'chat:completion') return type;
  const says = ['done', 'error', 'output', 'usage', 'sources'].find((key) => key in (data ?? {}));
  return `${type} ${says ?? 'other'}`;
}

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

function byMessage(events) {
  const out = new Map();
  for (const event of events) {
    const key = event.message_id ?? 'chat';
    out.set(key, [...(out.get(key) ?? []), event.data ?? {}]);
  }
  return out;
}

export function summaryOf(events) {
  const summary = { sequences: {}, events: {}, raw: {}, beside: {} };
  for (const [message, list] of byMessage(events.filter((event) => !kBeside.has(event.data?.type)))) {
    const steps = joined(list.filter((event) => !isRaw(event)));
    summary.sequences[message] = steps.map(nameOf);
    summary.raw[message] = list.filter(isRaw).map(({ type }) => type);
    summary.events[message] = {};
    for (const step of steps) summary.events[message][nameOf(step)] ??= step.data ?? null;
  }
  for (const { data, message_id: message } of events) {
    if (kBeside.has(data?.type)) summary.beside[data.type] ??= { data: data.data ?? null, has_message: Boolean(message) };
  }
  return summary;
}
