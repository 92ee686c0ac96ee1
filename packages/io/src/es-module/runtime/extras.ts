/** What an exported module has besides, if a scaler or a vocabulary goes with it. */
export { createScaler } from './scaler.js';
export { createVocabulary } from './vocabulary.js';
