// The program file itself (regressions.md 2.1): what the flags of cmake/Antiphon.cmake must have left in it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { binary } from '../lib/server.mjs';

const run = (...args) => execFileSync(args[0], args.slice(1), { encoding: 'utf8', maxBuffer: 64 << 20 });
const header = run('readelf', '-hW', binary);
const segments = run('readelf', '-lW', binary);
const dynamic = run('readelf', '-dW', binary);
const symbols = run('readelf', '--dyn-syms', '-W', binary);
/** Sanitizers need other flags; their builds are never shipped. */
const skip = /__[at]san_init/.test(symbols) ? 'a build with sanitizers' : false;

describe('the program', { skip }, () => {
  it('may be loaded anywhere', () => {
    assert.match(header, /Type:\s+DYN/);
    assert.match(dynamic, /FLAGS_1\).*\bPIE\b/);
  });

  it('resolves its symbols at the start and locks the table', () => {
    assert.match(dynamic, /BIND_NOW|FLAGS_1\).*\bNOW\b/);
    assert.match(segments, /GNU_RELRO/);
  });

  it('has no stack that runs and no page that is written and runs', () => {
    assert.match(segments, /GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW\s/);
    const loads = segments.split('\n').filter((line) => /^\s+LOAD\s/.test(line));
    assert.ok(loads.length >= 3);
    for (const line of loads) assert.doesNotMatch(line, /\sRWE\s|\sWE\s/);
  });

  it('looks for libraries only where the system has them', () => {
    assert.doesNotMatch(dynamic, /\((RPATH|RUNPATH)\)/);
    assert.doesNotMatch(dynamic, /TEXTREL/);
  });

  it('guards its stack and its copies', () => {
    assert.match(symbols, /__stack_chk_fail/);
    assert.match(symbols, /__(memcpy|memmove|memset|snprintf|vsnprintf|read|recv|fprintf|printf|fread|fdelt)_chk/);
  });

  it('takes what gets security updates from the system', () => {
    for (const library of ['libssl', 'libcrypto', 'libcurl', 'libpq', 'libsqlite3']) assert.match(dynamic, new RegExp(`NEEDED\\).*\\[${library}`), library);
  });

  it('knows no path of the machine it was built on where it looks for files', () => {
    assert.doesNotMatch(run('readelf', '-p', '.interp', binary), /\/(work|home|tmp)\//);
  });
});
