// An answer as a list of steps, the same for every wire format.
//   {kind:'text'|'reasoning'|'tool', …}  deltas        {kind:'break'|'stall'|'error'|'malformed'|'cut'}  faults
//   {kind:'finish', reason}              end           {kind:'usage', usage}

import { wordsOf } from './directives.mjs';

const kFaults = ['stall', 'break', 'error', 'malformed', 'cut'];

/** `<think>` and `</think>` in two pieces each, so that no reader may look for a whole tag in one chunk. */
function* thinkSteps(count) {
  yield { kind: 'text', text: '<thi' };
  yield { kind: 'text', text: 'nk>' };
  for (let i = 0; i < count; i += 1) yield { kind: 'text', text: `${i ? ' ' : ''}r${i}`, timed: true };
  yield { kind: 'text', text: '</th' };
  yield { kind: 'text', text: 'ink>' };
}

function* toolSteps(options, serial) {
  for (let index = 0; index < options.calls; index += 1) {
    const id = `call_${serial}_${index}`;
    yield { kind: 'tool', index, id, name: options.tool, arguments: '' };
    for (let at = 0; at < options.args.length; at += 3) {
      yield { kind: 'tool', index, arguments: options.args.slice(at, at + 3), timed: true };
    }
  }
  yield { kind: 'finish', reason: 'tool_calls' };
}

function* faultSteps(options, at) {
  for (const kind of kFaults) {
    if (options[kind] === at) yield { kind };
  }
}

/** The first piece carries the serial (`#17 t0`), so a text tells which call it came from; a continuation has none. */
function tokenText(i, serial) {
  return i === 0 ? `#${serial} t0` : ` t${i}`;
}

function* textSteps(options, serial, from) {
  const words = options.say ? wordsOf(options.say) : null;
  const count = words?.length ?? options.tokens;
  for (let i = from ?? 0; i < count; i += 1) {
    yield* faultSteps(options, i);
    yield { kind: 'text', text: words ? words[i] : tokenText(i, serial), token: i, timed: true };
    if (options.repeat === i) yield { kind: 'text', text: ` t${i}` };
  }
  yield* faultSteps(options, count);
  if (options.huge) yield { kind: 'text', text: ` ${'h'.repeat(options.huge)}` };
}

function usageOf(body, options) {
  const prompt = Math.ceil(JSON.stringify(body.messages ?? []).length / 4);
  return { prompt_tokens: prompt, completion_tokens: options.tokens, total_tokens: prompt + options.tokens };
}

export function* planAnswer({ body, options, serial, from }) {
  for (let i = 0; i < options.reasoning; i += 1) {
    yield { kind: 'reasoning', text: `${i ? ' ' : ''}r${i}`, field: options.field, timed: true };
  }
  if (options.think) yield* thinkSteps(options.think);
  if (options.tool) {
    yield* toolSteps(options, serial);
  } else {
    yield* textSteps(options, serial, from);
    yield { kind: 'finish', reason: options.finish };
  }
  if (options.usage) yield { kind: 'usage', usage: usageOf(body, options) };
}

const kTaskAnswers = {
  title: (serial) => ({ title: `Title ${serial}` }),
  tags: (serial) => ({ tags: ['Numbers', `Serial ${serial}`] }),
  follow_ups: (serial) => ({ follow_ups: [`Why ${serial}?`, `What after ${serial}?`] }),
  queries: (serial) => ({ queries: [`query ${serial}`] }),
  emoji: () => ({ emoji: '🔢' }),
};

/** A background prompt is answered at once, with the JSON it asked for and a little prose around it. */
export function* planTask({ body, options, serial, task }) {
  const answer = JSON.stringify(kTaskAnswers[task](serial));
  yield { kind: 'text', text: options.task === 'garbage' ? 'no json here {"' : `Here it is:\n${answer}\n` };
  yield { kind: 'finish', reason: 'stop' };
  yield { kind: 'usage', usage: usageOf(body, { tokens: 10 }) };
}

/** The whole answer in one piece, for requests that do not stream. */
export function collect(steps) {
  const whole = { text: '', reasoning: '', field: '', tools: [], reason: 'stop', usage: null, fault: null };
  for (const step of steps) {
    if (step.kind === 'text') whole.text += step.text;
    else if (step.kind === 'reasoning') {
      whole.reasoning += step.text;
      whole.field = step.field;
    } else if (step.kind === 'tool') {
      whole.tools[step.index] ??= { id: step.id, name: step.name, arguments: '' };
      whole.tools[step.index].arguments += step.arguments;
    } else if (step.kind === 'finish') whole.reason = step.reason;
    else if (step.kind === 'usage') whole.usage = step.usage;
    else if (step.kind !== 'malformed') {
      whole.fault = step.kind;
      break;
    }
  }
  return whole;
}
