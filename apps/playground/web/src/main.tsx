/** The page: everything below the demos is loaded at once, a demo when its tab is opened. */
import { render } from 'preact';
import { App } from './shell/app.tsx';

const place = document.querySelector('#page');
if (place === null) throw new Error('The document has no place for the page.');
place.replaceChildren();
render(<App />, place);

// The files for later visits come when this one has all that it needs.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  addEventListener('load', () => {
    setTimeout(() => {
      // Without it the page works as well, with a network.
      navigator.serviceWorker.register('./offline.js').catch((error: unknown) => console.warn(error));
    }, 3000);
  });
}
