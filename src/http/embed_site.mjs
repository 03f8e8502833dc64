// node embed_site.mjs DIST OUT: packs a built web client into OUT/, one .cc that pulls the bytes in with .incbin, so compiling
// it costs nothing however large the client is. Files whose compressed form is not 5 % smaller get none.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [dist, out] = process.argv.slice(2);
const kWorthIt = 0.95;

function filesIn(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const name = `${prefix}/${entry.name}`;
      return entry.isDirectory() ? filesIn(join(folder, entry.name), name) : [name];
    })
    .sort();
}

const blobs = join(out, 'blobs');
rmSync(blobs, { recursive: true, force: true });
mkdirSync(blobs, { recursive: true });

const symbols = [];
function blob(bytes) {
  const name = `antiphon_site_${symbols.length}`;
  const file = join(blobs, `${name}.bin`);
  writeFileSync(file, bytes);
  // The hash makes the text differ when the bytes do, for caches that look no further.
  symbols.push({ name, file, size: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') });
  return `view(${name}, ${bytes.length})`;
}

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
const rows = filesIn(dist).map((path) => {
  const bytes = readFileSync(join(dist, path));
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
  const worth = (packed) => (packed.length < bytes.length * kWorthIt ? blob(packed) : '{}');
  return `      {${JSON.stringify(path)}, "${etag}", ${blob(bytes)}, ${worth(brotli(bytes))}, ${worth(gzipSync(bytes, { level: 9 }))}},`;
});

const lines = symbols.map(
  ({ name, file, hash }) =>
    `// ${hash}\nasm(".balign 16\\n${name}:\\n.incbin ${JSON.stringify(JSON.stringify(file)).slice(1, -1)}\\n.byte 0\\n");`,
);
writeFileSync(
  join(out, 'site_assets.cc'),
  `#include "http/site.h"

asm(".pushsection .rodata\\n");
${lines.join('\n')}
asm(".popsection\\n");
extern "C" {
${symbols.map(({ name }) => `[[gnu::visibility("hidden")]] extern const char ${name}[];`).join('\n')}
}

namespace antiphon::http {
namespace {
std::string_view view(const char* bytes, std::size_t size) { return {bytes, size}; }
}  // namespace

std::span<const Asset> embedded_assets() {
  static const Asset assets[] = {
${rows.join('\n')}
  };
  return assets;
}
}  // namespace antiphon::http
`,
);
