/** The page: everything below the demos is loaded at once, a demo when its tab is opened. */
import { render } from 'preact';
import { App } from './shell/app.tsx';

const place = document.querySelector('#page');
if (place === null) throw new Error('The document has no place for the page.');
place.replaceChildren();
render(<App />, place);
