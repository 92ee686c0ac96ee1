import { defaultClientConditions, defineConfig, type UserConfigFnObject } from 'vite';
import { referenceCases } from './cases-plugin.ts';
import { offline } from './offline-plugin.ts';
import { ownBackendWorker } from './own-backend-plugin.ts';
import { contentSecurityPolicy } from './policy.ts';
import { voiceModel } from './voice-plugin.ts';

/**
 * With these a page may share memory between threads. A server that hosts the page has to send them
 * too.
 */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const config: UserConfigFnObject = defineConfig(({ command }) => ({
  root: import.meta.dirname,
  // The page works under any path of a site.
  base: './',
  plugins: [contentSecurityPolicy(), offline(), voiceModel(), referenceCases(), ownBackendWorker()],
  worker: {
    format: 'es',
    plugins: () => [voiceModel()],
  },
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
        'own-backend': `${import.meta.dirname}/own-backend.html`,
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
