/** What every exported module begins with. */
export { createModel } from './create-model.js';
