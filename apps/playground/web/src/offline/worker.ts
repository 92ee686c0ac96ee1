/** The service worker: after the first visit the page is there without a network. */
import { Serwist, type PrecacheEntry } from 'serwist';

declare const self: { readonly __SW_MANIFEST: (PrecacheEntry | string)[] };

// A new version takes over when no page of the old one is open: an open page finds its own files.
const serwist = new Serwist({ precacheEntries: self.__SW_MANIFEST });
serwist.addEventListeners();
