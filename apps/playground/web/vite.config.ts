import { defaultClientConditions, defineConfig, type Plugin, type UserConfigFnObject } from 'vite';
import { referenceCases } from './cases-plugin.ts';
import { offline } from './offline-plugin.ts';
import { voiceModel } from './voice-plugin.ts';

/**
 * What the page and its workers may do: run this site's scripts and WebAssembly, and ask nobody
 * else for anything.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "media-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * With these a page may share memory between threads. A server that hosts the page has to send them
 * too.
 */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': policy,
};

/** The policy in the page itself, for servers that do not send it. */
const policyInPage: Plugin = {
  name: 'content-security-policy',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
  ],
};

const config: UserConfigFnObject = defineConfig(({ command }) => ({
  root: import.meta.dirname,
  // The page works under any path of a site.
  base: './',
  plugins: [policyInPage, offline(), voiceModel(), referenceCases()],
  worker: { format: 'es', plugins: () => [voiceModel()] },
  // While one works on the packages, the page runs on their sources; what is built stands on the
  // packages as users get them.
  resolve: {
    conditions: command === 'serve' ? ['@rnn/source', ...defaultClientConditions] : [...defaultClientConditions],
  },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // Data are fetched when they are wanted; in the script they would be loaded by everybody.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        index: `${import.meta.dirname}/index.html`,
        offline: `${import.meta.dirname}/src/offline/worker.ts`,
      },
      // A service worker keeps its address from version to version.
      output: {
        entryFileNames: ({ name }) => (name === 'offline' ? 'offline.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: { headers },
  preview: { headers },
}));

export default config;
