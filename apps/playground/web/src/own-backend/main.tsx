/** The page that runs the suite on a backend of the visitor's: their code, in a worker apart. */
import { render } from 'preact';
import { OwnBackend } from './page.tsx';

const place = document.querySelector('#page');
if (place === null) throw new Error('The document has no place for the page.');
place.replaceChildren();
render(<OwnBackend />, place);
