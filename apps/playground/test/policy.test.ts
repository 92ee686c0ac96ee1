import { createServer, preview, type ResolvedServerUrls } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import { configFile } from './page-setup.ts';

/** What a server says that styles may come from. */
async function styleSources({ local }: ResolvedServerUrls): Promise<string | undefined> {
  const policy = (await fetch(local[0])).headers.get('content-security-policy') ?? '';
  return policy.split('; ').find((each) => each.startsWith('style-src'));
}

test('while one works on the page the sheets of its parts are let in, which Vite puts into it', async () => {
  const server = await createServer({
    configFile,
    logLevel: 'error',
    server: { port: 0 },
    optimizeDeps: { noDiscovery: true },
  });
  onTestFinished(() => server.close());
  await server.listen();
  expect(await styleSources(server.resolvedUrls ?? { local: [], network: [] })).toBe(
    "style-src 'self' 'unsafe-inline'",
  );
});

test('as visitors get it, no style is let in but its own files', async () => {
  const server = await preview({ configFile, logLevel: 'error', preview: { port: 0 } });
  onTestFinished(() => server.close());
  expect(await styleSources(server.resolvedUrls ?? { local: [], network: [] })).toBe("style-src 'self'");
});
