/**
 * Initialisation in place, as `torch.nn.init`: `init.orthogonal_(lstm.weight_hh_l0, { gates: 4 })`.
 */
export type { InitOptions } from './fill.js';
export { calculateGain, type GainOptions, type Nonlinearity } from './gain.js';
export { orthogonal_ } from './orthogonal.js';
export { constant_, normal_, ones_, uniform_, zeros_ } from './plain.js';
export { kaimingNormal_, kaimingUniform_, xavierNormal_, xavierUniform_, type KaimingOptions } from './scaled.js';
