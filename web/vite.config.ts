import { defineConfig } from 'vitest/config';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';

// `npm run dev` serves the client with hot reload and hands every other path to a running server.
const server = process.env.ANTIPHON_URL ?? 'http://127.0.0.1:8080';
const proxied = { target: server, changeOrigin: false };

export default defineConfig({
  resolve: {
    alias: [
      { find: /^\$\//, replacement: new URL('./src/', import.meta.url).pathname },
      // markdown-it's table of entities is the largest part of it, and every browser has one.
      { find: /^entities$/, replacement: new URL('./src/lib/markdown/entities.ts', import.meta.url).pathname },
    ],
    // Tests run the client's Svelte, not the one for servers, in which nothing reacts.
    ...(process.env.VITEST ? { conditions: ['browser'] } : {}),
  },
  plugins: [svelte(), tailwindcss()],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: 'dist',
    assetsDir: 'assets',
    // The page's policy forbids inline scripts and data: fonts; nothing may be inlined into JavaScript either.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: {
      '/api': proxied,
      '/openai': proxied,
      '/ollama': proxied,
      '/ws': { ...proxied, ws: true },
    },
  },
  test: {
    // What needs a page says so in its first line (`@vitest-environment jsdom`): making one costs more than most tests.
    environment: 'node',
    server: { deps: { inline: ['markdown-it'] } },
    pool: 'threads',
    isolate: false,
    include: ['src/**/*.test.ts'],
  },
});
