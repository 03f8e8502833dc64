// What an answer shall look like: defaults < model name < [[directives]] in the last user message < a scripted override.

const kDefaults = Object.freeze({
  tokens: 20, //          how many numbered tokens
  say: '', //             this text, word by word, instead of numbered tokens
  delay: 2, //            ms from one token to the next
  first: 0, //            ms before the first byte of the body
  hang: 0, //             1: accept the request and never send a byte
  refuse: 0, //           answer this status with an error object
  message: '', //         text of that error, or of `error`
  stall: -1, //           go silent before this token
  stallms: 0, //          … for so long, 0 = until the client gives up
  break: -1, //           destroy the TCP connection before this token
  error: -1, //           send an error object inside the stream before this token, and end
  cut: -1, //             end the stream cleanly before this token, without finish chunk and [DONE]
  repeat: -1, //          send this token twice
  malformed: -1, //       send a line that is not JSON before this token, then go on
  huge: 0, //             one token of this many bytes after the numbered ones
  reasoning: 0, //        so many reasoning tokens (r0 r1 …) in a field of the delta
  field: 'reasoning_content',
  think: 0, //            so many reasoning tokens inside <think>…</think>, tags split across chunks
  tool: '', //            call this function first; answer with text once its result is in the messages
  args: '{}',
  calls: 1, //            so many calls at once
  rounds: 1, //           so many rounds of calls
  usage: 1, //            1: send a usage chunk
  finish: 'stop',
  comment: 0, //          1: SSE comments and blank lines between events
  crlf: 0, //             1: CRLF line ends in SSE
  split: 0, //            write every event in pieces of this many bytes
  task: '', //            error | garbage: what task prompts (title, tags …) of this chat get
  taskdelay: 0,
});

const kModels = Object.freeze({
  numbered: {},
  'numbered-slow': { tokens: 200, delay: 20 },
  reasoner: { reasoning: 10 },
  thinker: { think: 10 },
  toolcaller: { tool: 'get_current_timestamp' },
  refusing: { refuse: 429, message: 'Rate limit reached' },
  breaking: { break: 10 },
  stalling: { stall: 10 },
});

export const modelNames = [...Object.keys(kModels), 'n50d5', 'n200d5', 'n200d20'];

/** `n200d5` means 200 tokens, 5 ms apart; a tag (`numbered:latest`) is ignored. */
function byModel(model) {
  const name = String(model ?? '').split(':')[0];
  const shape = /^n(\d+)d(\d+)$/.exec(name);
  if (shape) return { tokens: Number(shape[1]), delay: Number(shape[2]) };
  return kModels[name] ?? {};
}

function convert(key, value) {
  return typeof kDefaults[key] === 'number' ? Number(value) : value;
}

/** All `[[key=value key="value with blanks"]]` of a text; unknown keys are refused so that no test depends on a typo. */
export function parseDirectives(text) {
  const found = {};
  for (const block of text.matchAll(/\[\[([^\]]*(?:\](?!\])[^\]]*)*)\]\]/g)) {
    for (const pair of block[1].matchAll(/([a-z]+)=(?:"([^"]*)"|(\S+))/g)) {
      if (!(pair[1] in kDefaults)) throw new Error(`unknown directive ${pair[1]}`);
      found[pair[1]] = convert(pair[1], pair[2] ?? pair[3]);
    }
  }
  return found;
}

export function textOf(message) {
  const content = message?.content;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => part.text ?? '').join('\n');
}

/** The kind of background prompt (title, tags, follow-ups, queries), told by the JSON key it asks for. */
export function taskOf(text) {
  for (const key of ['follow_ups', 'tags', 'title', 'queries', 'emoji']) {
    if (new RegExp(`["'\`]${key}["'\`]`).test(text)) return key;
  }
  return null;
}

/** How many rounds of tool results stand behind the last user message. */
function toolRounds(messages) {
  let rounds = 0;
  for (let i = messages.length - 1; i >= 0 && messages[i].role !== 'user'; i -= 1) {
    if (messages[i].role === 'assistant' && messages[i].tool_calls?.length) rounds += 1;
  }
  return rounds;
}

/** A given text in pieces of a word each, with the space before it. */
export const wordsOf = (text) => text.match(/\s*\S+(?:\s+$)?/g) ?? [];

/** A last message of the assistant is a prefix to continue: the answer goes on behind its last token. */
function prefixTokens(messages, say) {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.tool_calls?.length) return null;
  if (say) return wordsOf(textOf(last)).length;
  const numbers = [...textOf(last).matchAll(/\bt(\d+)\b/g)];
  return numbers.length ? Number(numbers.at(-1)[1]) + 1 : 0;
}

/** Decides everything about one answer. */
export function decide(body, override = {}) {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  const asked = textOf(messages.findLast((message) => message.role === 'user'));
  const options = { ...kDefaults, ...byModel(body.model), ...parseDirectives(asked), ...override };
  if (options.tool && toolRounds(messages) >= options.rounds) options.tool = '';
  return { options, task: taskOf(asked), from: prefixTokens(messages, options.say) };
}
