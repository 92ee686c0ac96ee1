import { build, type Plugin } from 'vite';

/** Where the page of an author's own backend asks for its worker. */
const name = 'own-backend-worker.js';

/**
 * Puts the worker of that page beside it as one file without imports: it runs from a `data:`
 * address, from which nothing else can be reached.
 */
export function ownBackendWorker(): Plugin {
  return {
    name: 'own-backend-worker',
    configureServer: ({ middlewares }) => {
      middlewares.use(`/${name}`, (_request, response, next) => {
        bundled().then((code) => response.setHeader('Content-Type', 'text/javascript').end(code), next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: name, source: await bundled() });
    },
  };
}

async function bundled(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry: `${import.meta.dirname}/src/own-backend/worker.ts`, formats: ['es'], fileName: 'worker' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  });
  const [{ output }] = [result].flat() as [Extract<typeof result, { output: unknown }>];
  return output[0].code;
}
