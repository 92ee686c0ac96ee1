import type { Connect, Plugin } from 'vite';

const shared = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "manifest-src 'self'",
  "media-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
];

/**
 * What the page and its workers may do: run this site's scripts and WebAssembly, and ask nobody
 * else for anything.
 */
const own = [...shared, "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "connect-src 'self'"].join('; ');

/**
 * What the page for an author's own backend may do: run that code too, in a worker from a `data:`
 * address, which has no origin; and fetch it from where its author keeps it.
 */
const foreign = [
  ...shared,
  "script-src 'self' data: 'wasm-unsafe-eval'",
  'worker-src data:',
  "connect-src 'self' https: http://localhost:*",
].join('; ');

/** @param isServed - from its sources, while one works on the page */
function policyOf(path: string, isServed: boolean): string {
  const policy = path.includes('/own-backend.html') ? foreign : own;
  // Vite then brings the sheets of the page's parts in as style elements.
  return isServed ? policy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'") : policy;
}

/** Gives each page its policy: in itself, for servers that do not send it, and as a header. */
export function contentSecurityPolicy(): Plugin {
  const sender =
    (isServed: boolean): Connect.NextHandleFunction =>
    (request, response, next) => {
      response.setHeader('Content-Security-Policy', policyOf(request.url ?? '', isServed));
      next();
    };
  return {
    name: 'content-security-policy',
    configureServer: ({ middlewares }) => void middlewares.use(sender(true)),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(sender(false)),
    transformIndexHtml: (_html, { path, server }) => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: policyOf(path, server !== undefined) },
        injectTo: 'head-prepend',
      },
    ],
  };
}
